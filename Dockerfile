# docker build -t digitvision . && docker run -p 8000:8000 digitvision
FROM python:3.13-slim
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY digitvision digitvision
COPY app app
RUN pip install --no-cache-dir . && useradd --system --no-create-home digitvision
WORKDIR /
USER digitvision
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD \
    ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/api/health', timeout=4)"]
CMD ["python", "-m", "digitvision.app", "--host", "0.0.0.0"]
