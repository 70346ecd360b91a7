// Shows /openapi.json. Everything that comes from the document is set as text, never as markup.
'use strict';

const methods = ['get', 'post', 'put', 'patch', 'delete'];

function element(name, attributes = {}, ...children) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  e.append(...children.filter((child) => child !== null && child !== undefined));
  return e;
}

// prose turns the little Markdown that the document uses into elements.
function prose(text) {
  const blocks = [];
  for (const block of (text || '').split('\n\n')) {
    const lines = block.split('\n');
    if (lines.every((line) => line.startsWith('- '))) {
      blocks.push(element('ul', {}, ...lines.map((line) => element('li', {}, ...inline(line.slice(2))))));
    } else {
      blocks.push(element('p', {}, ...inline(block)));
    }
  }
  return blocks;
}

function inline(text) {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part) => {
    if (part.startsWith('`')) return element('code', {}, part.slice(1, -1));
    if (part.startsWith('**')) return element('strong', {}, part.slice(2, -2));
    return part;
  });
}

function main(api) {
  const resolve = (thing) =>
    thing && thing.$ref ? thing.$ref.slice(2).split('/').reduce((at, key) => at[key], api) : thing;
  const content = document.getElementById('content');
  const index = document.getElementById('index');
  content.replaceChildren(element('h1', {}, `${api.info.title} API ${api.info.version}`), ...prose(api.info.description));

  for (const tag of api.tags) {
    const list = element('ul');
    index.append(element('h2', {}, tag.name), list);
    content.append(element('h2', {}, tag.name), ...prose(tag.description));
    for (const [path, item] of Object.entries(api.paths)) {
      for (const method of methods) {
        const operation = item[method];
        if (!operation || !operation.tags.includes(tag.name)) continue;
        list.append(element('li', {}, element('a', { href: `#${operation.operationId}` }, operation.summary)));
        content.append(show(operation, method, path, resolve));
      }
    }
  }
  const problems = element('ul');
  index.append(element('h2', {}, 'Reference'), problems);
  content.append(element('h2', {}, 'Problems'), ...prose('Every answer that is not a success is a problem (RFC 9457). Its `type` ends in one of these names.'));
  problems.append(element('li', {}, element('a', { href: '#schemas' }, 'Schemas')));
  for (const response of Object.values(api.components.responses)) {
    const example = response.content['application/problem+json'].example;
    const name = example.type.split('#')[1];
    content.append(element('section', { id: name }, element('h4', {}, `${example.status} ${name.slice('problem-'.length)}`), element('pre', {}, JSON.stringify(example, null, 2))));
  }
  content.append(element('h2', { id: 'schemas' }, 'Schemas'));
  for (const [name, schema] of Object.entries(api.components.schemas)) {
    content.append(element('section', { id: `schema-${name}` }, element('h3', {}, name), ...prose(schema.description), properties(schema)));
  }
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

function show(operation, method, path, resolve) {
  const section = element(
    'section',
    { class: 'operation', id: operation.operationId },
    element('h3', {}, operation.summary),
    element('div', { class: 'route' }, element('b', {}, method.toUpperCase()), path),
    ...prose(operation.description),
  );
  const parameters = (operation.parameters || []).map(resolve);
  if (parameters.length) {
    section.append(
      element('h4', {}, 'Parameters'),
      element('table', {}, ...parameters.map((p) =>
        element('tr', {}, element('th', { scope: 'row' }, p.name, p.required ? element('span', { class: 'required' }, ' required') : null), element('td', { class: 'type' }, `${p.in}, ${typeOf(p.schema)}`), element('td', {}, ...inline(p.description || ''))),
      )),
    );
  }
  if (operation.requestBody) section.append(element('h4', {}, 'Body'), ...media(operation.requestBody.content));
  const failures = [];
  for (const [status, reference] of Object.entries(operation.responses)) {
    if (status >= '400') {
      const name = resolve(reference).content['application/problem+json'].example.type.split('#')[1];
      failures.push(element('a', { href: `#${name}` }, `${status} ${resolve(reference).description}`));
      continue;
    }
    const response = resolve(reference);
    section.append(element('h4', {}, `Answer: ${status} ${response.description}`), ...media(response.content || {}));
  }
  if (failures.length) section.append(element('h4', {}, 'Problems'), element('p', {}, ...failures.flatMap((f, i) => (i ? [', ', f] : [f]))));
  return section;
}

function media(content) {
  return Object.entries(content).flatMap(([kind, body]) => {
    const name = body.schema && body.schema.$ref ? body.schema.$ref.split('/').pop() : null;
    const text = typeof body.example === 'string' ? body.example : JSON.stringify(body.example, null, 2);
    return [
      element('p', {}, element('code', {}, kind), ...(name ? [', ', element('a', { href: `#schema-${name}` }, name)] : [])),
      body.example === undefined ? null : element('details', { open: '' }, element('summary', {}, 'Example'), element('pre', {}, text)),
    ].filter(Boolean);
  });
}

function properties(schema) {
  const required = schema.required || [];
  return element('table', {}, ...Object.entries(schema.properties || {}).map(([name, property]) =>
    element('tr', {},
      element('th', { scope: 'row' }, name, required.includes(name) ? null : element('span', { class: 'required' }, ' optional')),
      element('td', { class: 'type' }, typeOf(property)),
      element('td', {}, ...inline(property.description || ''))),
  ));
}

function typeOf(schema) {
  if (!schema) return '';
  if (schema.$ref) return schema.$ref.split('/').pop();
  if (schema.type === 'array') return `list of ${typeOf(schema.items)}`;
  if (schema.enum) return schema.enum.join(' | ');
  if (schema.type === 'object' && typeof schema.additionalProperties === 'object') return `map of ${typeOf(schema.additionalProperties)}`;
  const types = Array.isArray(schema.type) ? schema.type.join(' or ') : schema.type || 'any';
  return schema.format && types === 'string' ? `${types}, ${schema.format}` : types;
}

fetch('/openapi.json')
  .then((response) => {
    if (!response.ok) throw new Error(`The document could not be read: ${response.status} ${response.statusText}`);
    return response.json();
  })
  .then(main)
  .catch((error) => document.getElementById('content').replaceChildren(element('p', { role: 'alert' }, String(error.message || error))));
