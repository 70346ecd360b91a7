import type { Variable } from '../api/types';

// What the editor knows of CEL: enough to complete and to warn. The server has the last word.

export interface Completion {
  // What is shown, what is put in, and how far before its end the caret goes.
  name: string;
  insert: string;
  back: number;
  type: string;
  help: string;
}

const called = (name: string, insert: string, back: number, type: string, help: string): Completion => ({ name, insert, back, type, help });

const functions: Completion[] = [
  called('duration()', "duration('')", 2, 'duration', "A span of time: duration('800ms')"),
  called('timestamp()', "timestamp('')", 2, 'timestamp', 'An instant, in RFC 3339'),
  called('has()', 'has()', 1, 'bool', 'Whether a field is there: has(json.queue)'),
  called('size()', 'size()', 1, 'int', 'How many there are'),
  called('int()', 'int()', 1, 'int', 'As a whole number'),
  called('double()', 'double()', 1, 'double', 'As a number'),
  called('string()', 'string()', 1, 'string', 'As text'),
];

const methods: Record<string, Completion[]> = {
  string: [
    called('contains()', "contains('')", 2, 'bool', 'Whether a text is in it'), called('startsWith()', "startsWith('')", 2, 'bool', 'Whether it begins so'),
    called('endsWith()', "endsWith('')", 2, 'bool', 'Whether it ends so'), called('matches()', "matches('')", 2, 'bool', 'Whether a regular expression (RE2) finds something'),
    called('size()', 'size()', 0, 'int', 'Its length in characters'),
  ],
  list: [
    called('exists()', 'exists(x, x == )', 1, 'bool', 'Whether any of them …'), called('all()', 'all(x, x)', 1, 'bool', 'Whether each of them …'),
    called('size()', 'size()', 0, 'int', 'How many there are'),
  ],
  map: [called('size()', 'size()', 0, 'int', 'How many keys it has')],
  duration: [
    called('getMilliseconds()', 'getMilliseconds()', 0, 'int', 'In milliseconds'), called('getSeconds()', 'getSeconds()', 0, 'int', 'In seconds'),
    called('getHours()', 'getHours()', 0, 'int', 'In hours'),
  ],
};

// The members of a map that its help lists: "Of the server: subject, issuer, names."
const members = (variable: Variable): Completion[] =>
  [...(/:\s*([a-z_0-9, …]+)\.?$/.exec(variable.help)?.[1] ?? '').matchAll(/[a-z_][a-z_0-9]*/g)].map(([name]) => called(name, name, 0, '', ''));

const base = (type: string): string => type.replace(/\(.*$/, '');

// wordAt is what is being written up to the caret: a name, or what comes after a variable and a dot.
export function wordAt(before: string): { of: string; word: string } | undefined {
  if ((before.match(/'/g)?.length ?? 0) % 2 || (before.match(/"/g)?.length ?? 0) % 2) return undefined; // within a text
  const found = /(?:([a-z_]\w*)\.)?([a-z_]?\w*)$/i.exec(before);
  if (!found) return undefined;
  const [all, of = '', word = ''] = found;
  if (/[.\w]$/.test(before.slice(0, before.length - all.length))) return undefined;
  return of || word ? { of, word } : undefined;
}

// complete lists what may be meant.
export function complete(before: string, variables: Variable[]): Completion[] {
  const at = wordAt(before);
  if (!at) return [];
  let all: Completion[];
  if (at.of) {
    const variable = variables.find((one) => one.name === at.of);
    if (!variable) return [];
    all = [...(base(variable.type) === 'map' ? members(variable) : []), ...(methods[base(variable.type)] ?? [])];
  } else {
    all = [...variables.map((one) => called(one.name, one.name, 0, one.type, one.help)), ...functions];
  }
  return all.filter((one) => one.name.startsWith(at.word) && one.insert !== at.word);
}

const reserved = new Set(['true', 'false', 'null', 'in', ...functions.map((one) => one.name.slice(0, -2)), 'bool', 'bytes', 'uint', 'type', 'dyn', 'min', 'max', 'math', 'strings', 'lists', 'sets', 'base64']);

// distance is how many letters differ (Levenshtein).
function distance(a: string, b: string): number {
  let row = [...b].map((_, i) => i + 1);
  for (const [i, x] of [...a].entries()) {
    let corner = i;
    let left = i + 1;
    row = row.map((above, j) => {
      left = Math.min(above + 1, left + 1, corner + (x === b[j] ? 0 : 1));
      corner = above;
      return left;
    });
  }
  return row.at(-1) ?? a.length;
}

// warn says what is probably wrong with a line, or nothing.
export function warn(line: string, variables: Variable[]): string {
  const plain = line.replace(/\\./g, '').replace(/'[^']*'|"[^"]*"/g, "''");
  if (/['"]/.test(plain.replaceAll("''", ''))) return 'A text is not closed.';
  let open = 0;
  for (const sign of plain) {
    if ('([{'.includes(sign)) open++;
    if (')]}'.includes(sign)) open--;
    if (open < 0) return 'A bracket is closed that was not opened.';
  }
  if (open > 0) return 'A bracket is not closed.';
  // Names that macros bind: exists(x, …).
  const bound = new Set([...plain.matchAll(/\b(?:exists|exists_one|all|map|filter)\(\s*([a-z_]\w*)\s*,/gi)].map((match) => match[1]));
  for (const match of plain.matchAll(/(?<![.\w])([a-z_]\w*)/gi)) {
    const name = match[1] ?? '';
    if (reserved.has(name) || bound.has(name) || variables.some((one) => one.name === name)) continue;
    const near = variables.map((one) => one.name).sort((a, b) => distance(a, name) - distance(b, name))[0];
    return `There is no ${name}${near && distance(near, name) < 3 ? `: did you mean ${near}?` : '.'}`;
  }
  return '';
}
