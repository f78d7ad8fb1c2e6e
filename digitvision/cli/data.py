"""`digitvision data`: download and check MNIST."""

import click


@click.command()
def data():
    "Download MNIST, check it to the byte and show its splits."
    from digitvision.data import load_mnist
    from digitvision.download import cache_folder

    mnist = load_mnist()
    click.echo(f"MNIST is complete, in {cache_folder()}")
    for name, split in mnist._asdict().items():
        click.echo(f"  {name:10} {len(split.labels):6,} images")
