// The page of the API: api/openapi.json, written out.

import { contract } from "./predict.js";

const routes = document.querySelector("#routes");

// An element with attributes' values, and children that are elements or words.
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// A schema in words: type, limits and what it refers to.
function words(schema) {
  if (schema.$ref) {
    const name = schema.$ref.split("/").at(-1);
    return make("a", { href: `#${name}` }, name);
  }
  const kinds = schema.oneOf ?? schema.anyOf;
  if (kinds) return make("span", {}, ...kinds.flatMap((kind, at) => (at ? [" or ", words(kind)] : [words(kind)])));
  if (schema.type === "array" && schema.items) return make("span", {}, "list of ", words(schema.items), limits(schema));
  const type = schema.enum ?? schema.const ?? schema.type ?? "anything";
  return make("span", {}, make("code", {}, [type].flat().join(" | ")), limits(schema));
}

const LIMITS = ["minimum", "exclusiveMinimum", "maximum", "minItems", "maxItems", "pattern", "default"];

function limits(schema) {
  const given = LIMITS.filter((name) => schema[name] !== undefined && schema[name] !== null);
  const text = given.map((name) => `${name} ${schema[name]}`).join(", ");
  return text ? ` (${text})` : "";
}

function contentOf(part) {
  const schema = part.content?.["application/json"]?.schema;
  return schema ? words(schema) : "";
}

function route(path, method, { summary, parameters = [], requestBody, responses }) {
  const rows = parameters.map(({ name, schema }) => [`?${name}=`, words(schema), "optional"]);
  if (requestBody) rows.push(["body", contentOf(requestBody), "required"]);
  for (const [status, answer] of Object.entries(responses)) rows.push([status, contentOf(answer), answer.description]);
  const title = make("h2", {}, make("code", {}, `${method.toUpperCase()} ${path}`));
  return make("section", { class: "card" }, title, make("p", {}, summary), table(rows));
}

function shape(name, { description = "", properties = {}, required = [] }) {
  const rows = Object.entries(properties).map(([key, schema]) => [
    key,
    words(schema),
    `${required.includes(key) ? "required" : "optional"}${schema.description ? `: ${schema.description}` : ""}`,
  ]);
  return make("section", { class: "card", id: name }, make("h2", {}, name), make("p", {}, description), table(rows));
}

function table(rows) {
  const cells = ([head, ...rest]) => [make("th", { scope: "row" }, head), ...rest.map((cell) => make("td", {}, cell))];
  return make("table", { class: "fields" }, make("tbody", {}, ...rows.map((row) => make("tr", {}, ...cells(row)))));
}

try {
  const { paths, components } = await contract();
  for (const [path, methods] of Object.entries(paths))
    for (const [method, operation] of Object.entries(methods)) routes.append(route(path, method, operation));
  for (const [name, schema] of Object.entries(components.schemas)) routes.append(shape(name, schema));
} catch (error) {
  routes.append(make("p", { role: "alert" }, error.message));
}
routes.setAttribute("aria-busy", "false");
