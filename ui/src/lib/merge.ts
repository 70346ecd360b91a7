// Conflict is a field that both have changed since, and differently.
export interface Conflict {
  path: string;
  mine: unknown;
  theirs: unknown;
}

export interface Merged<T> {
  conflicts: Conflict[];
  // With says what comes out when mine is taken for these paths, and theirs for all other conflicts.
  with: (mine: ReadonlySet<string>) => T;
}

type Leaves = Map<string, unknown>;

// leaves are the fields that are decided about one by one: options and labels by their names.
function leaves(definition: object): Leaves {
  const found: Leaves = new Map();
  for (const [name, value] of Object.entries(definition)) {
    if ((name === 'options' || name === 'labels') && value) {
      for (const [key, inner] of Object.entries(value as Record<string, unknown>)) found.set(`${name}.${key}`, inner);
    } else {
      found.set(name, value);
    }
  }
  return found;
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

// merge brings together what I changed and what they changed, from the same base.
export function merge<T extends object>(base: T, mine: T, theirs: T): Merged<T> {
  const [old, my, their] = [leaves(base), leaves(mine), leaves(theirs)];
  const changed = [...new Set([...old.keys(), ...my.keys()])].filter((path) => !same(old.get(path), my.get(path)));
  const conflicts = changed
    .filter((path) => !same(old.get(path), their.get(path)) && !same(my.get(path), their.get(path)))
    .map((path) => ({ path, mine: my.get(path), theirs: their.get(path) }));
  return {
    conflicts,
    with: (chosen) => {
      const result: Leaves = new Map(their);
      for (const path of changed) {
        if (conflicts.some((conflict) => conflict.path === path) && !chosen.has(path)) continue;
        if (my.get(path) === undefined) result.delete(path);
        else result.set(path, my.get(path));
      }
      return assemble(result) as T;
    },
  };
}

function assemble(from: Leaves): object {
  const definition: Record<string, unknown> = {};
  for (const [path, value] of from) {
    const [name = '', ...rest] = path.split('.');
    if (rest.length === 0) definition[name] = value;
    else definition[name] = { ...(definition[name] as object | undefined), [rest.join('.')]: value };
  }
  return definition;
}
