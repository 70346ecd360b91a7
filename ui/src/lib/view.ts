import { statuses, type Row, type Status } from '../api/types';
import { count, plural } from './format';
import { settings } from './settings.svelte';

// View is what of the board is shown, and in which order: the part of it that lives in the address.
export interface View {
  text: string;
  status: Status[];
  service: string;
  kind: string;
  label: string;
  sort: Sort;
  // "service", "kind" or "label:KEY"; empty for none.
  group: string;
  compact: boolean;
}

export const sorts = { worst: 'worst first', name: 'name', service: 'service', latency: 'slowest', uptime: 'lowest uptime', changed: 'last change' } as const;

export type Sort = keyof typeof sorts;

export function viewOf(query: URLSearchParams): View {
  const sort = query.get('sort') ?? '';
  return {
    text: query.get('q') ?? '',
    status: (query.get('status') ?? '').split(',').filter((s): s is Status => (statuses as readonly string[]).includes(s)),
    service: query.get('service') ?? '',
    kind: query.get('kind') ?? '',
    label: query.get('label') ?? '',
    sort: sort in sorts ? (sort as Sort) : 'worst',
    group: /^(service|kind|label:.+)$/.exec(query.get('group') ?? '')?.[0] ?? '',
    compact: (query.get('density') ?? settings.chosen.density) === 'compact',
  };
}

export function counts(checks: Iterable<Row>): Record<Status, number> {
  const by: Record<Status, number> = { down: 0, degraded: 0, up: 0, unknown: 0, maintenance: 0, paused: 0 };
  for (const check of checks) by[check.status]++;
  return by;
}

// headline is the answer to "how are things?".
export function headline(by: Record<Status, number>): string {
  if (by.down) return `${plural(by.down, 'check')} down`;
  if (by.degraded) return `${plural(by.degraded, 'check')} degraded`;
  if (by.unknown) return `${plural(by.unknown, 'check')} unknown`;
  if (by.up) return by.up === 1 ? 'The check is up' : `All ${count(by.up)} checks up`;
  if (by.maintenance) return 'All under maintenance';
  return by.paused ? 'All checks paused' : 'Nothing on watch yet';
}

// headlineThen is the same of the past.
export function headlineThen(by: Record<Status, number>): string {
  const were = (n: number, what: string): string => `${count(n)} ${n === 1 ? 'was' : 'were'} ${what}`;
  if (by.down) return were(by.down, 'down');
  if (by.degraded) return were(by.degraded, 'degraded');
  if (by.unknown) return were(by.unknown, 'unknown');
  if (by.up) return by.up === 1 ? 'The check was up' : `All ${count(by.up)} checks were up`;
  if (by.maintenance) return 'All were under maintenance';
  return by.paused ? 'All checks were paused' : 'Nothing was on watch yet';
}

// matcher says of a check whether the view shows it.
export function matcher(view: View): (check: Row) => boolean {
  const text = view.text.trim().toLowerCase();
  const [key = '', value] = view.label.split('=');
  return (check) => {
    if (view.status.length && !view.status.includes(check.status)) return false;
    if (view.service && check.service !== view.service) return false;
    if (view.kind && check.kind !== view.kind) return false;
    if (key) {
      const has = check.labels?.[key];
      if (has === undefined || (value !== undefined && has !== value)) return false;
    }
    return !text || [check.id, check.name, check.target, check.service].some((part) => part.toLowerCase().includes(text));
  };
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

// Ranker keeps checks by name, then id. Comparing names is slow, and names seldom change: all that were
// ever seen are kept in order, so that boards of other instants need not be sorted by name themselves.
class Ranker {
  #names = new Map<string, string>();
  #sorted: string[] = [];

  // sorted may have ids that are not among the checks.
  sorted(checks: ReadonlyMap<string, Row>): readonly string[] {
    let known = true;
    for (const check of checks.values()) {
      if (this.#names.get(check.id) === check.name) continue;
      this.#names.set(check.id, check.name);
      known = false;
    }
    if (!known) {
      this.#sorted = [...this.#names].sort(([a, x], [b, y]) => collator.compare(x, y) || (a < b ? -1 : 1)).map(([id]) => id);
    }
    return this.#sorted;
  }
}

const ranker = new Ranker();
const severity = Object.fromEntries(statuses.map((status, index) => [status, index])) as Record<Status, number>;
const by: Record<Sort, (a: Row, b: Row) => number> = {
  worst: (a, b) => severity[a.status] - severity[b.status],
  name: () => 0,
  service: (a, b) => (a.service < b.service ? -1 : a.service > b.service ? 1 : 0),
  latency: (a, b) => (b.latency_ms ?? 0) - (a.latency_ms ?? 0),
  uptime: (a, b) => (a.uptime_24h ?? 2) - (b.uptime_24h ?? 2),
  changed: (a, b) => (a.status_since < b.status_since ? 1 : a.status_since > b.status_since ? -1 : 0),
};

// groupOf is the heading under which a check stands: the id of its service, its kind, or a label's value.
export function groupOf(check: Row, view: View): string {
  if (view.group === 'service') return check.service;
  if (view.group === 'kind') return check.kind;
  return view.group ? (check.labels?.[view.group.slice('label:'.length)] ?? '') : '';
}

// groupRanks orders the headings: where the worst comes first, that with the worst check, else by name.
function groupRanks(checks: Row[], view: View): Map<string, number> {
  const worst = new Map<string, number>();
  for (const check of checks) {
    const group = groupOf(check, view);
    worst.set(group, Math.min(worst.get(group) ?? 9, view.sort === 'worst' ? severity[check.status] : 0));
  }
  // What has no such label comes last.
  const names = [...worst].sort(([a, x], [b, y]) => Number(a === '') - Number(b === '') || x - y || collator.compare(a, b));
  return new Map(names.map(([name], index) => [name, index]));
}

// order returns the ids of what the view shows, in its order; ties are by name, then id.
export function order(checks: ReadonlyMap<string, Row>, view: View): string[] {
  const shows = matcher(view);
  const shown: Row[] = [];
  for (const id of ranker.sorted(checks)) {
    const check = checks.get(id);
    if (check && shows(check)) shown.push(check);
  }
  const groups = view.group ? groupRanks(shown, view) : undefined;
  const group = (check: Row): number => groups?.get(groupOf(check, view)) ?? 0;
  const compare = by[view.sort];
  // They are by name already, and a sort leaves in place what is equal.
  shown.sort(groups ? (a, b) => group(a) - group(b) || compare(a, b) : compare);
  return shown.map((check) => check.id);
}

// Heading stands above the checks of a group.
export interface Heading {
  key: string;
  name: string;
  counts: Record<Status, number>;
}

// Line is a heading, or the id of a check: what is known of that may change while its line stays.
export type Line = string | Heading;

export const lineKey = (line: Line): string => (typeof line === 'string' ? line : `group ${line.key}`);

// checkOf is the id of a line's check; a heading has none.
export const checkOf = (line: Line | undefined): string | undefined => (typeof line === 'string' ? line : undefined);

// lines puts the headings between the checks.
export function lines(ids: readonly string[], checks: ReadonlyMap<string, Row>, view: View): readonly Line[] {
  if (!view.group) return ids;
  const all: Line[] = [];
  let heading: Heading | undefined;
  for (const id of ids) {
    const check = checks.get(id);
    if (!check) continue;
    const name = groupOf(check, view);
    if (heading?.name !== name) {
      heading = { key: `${name} ${all.length}`, name, counts: counts([]) };
      all.push(heading);
    }
    heading.counts[check.status]++;
    all.push(id);
  }
  return all;
}

const reasons = [
  ['timed out', 'timeout'], ['refused', 'refused'], ['reset', 'reset'], ['no such host', 'no host'], ['nxdomain', 'NXDOMAIN'],
  ['certificate', 'certificate'], ['no route', 'no route'], ['closed', 'closed'],
] as const;

// shortReason is what the latency column says of a failing check instead of a number.
export function shortReason(check: Row): string {
  if (check.status === 'paused') return '–';
  if (check.status === 'unknown') return check.pending ? 'waiting' : 'no data';
  if (!check.finding && check.status !== 'down') return '';
  const found = check.finding || check.reason || '';
  const text = found.toLowerCase();
  for (const [needle, short] of reasons) if (text.includes(needle)) return short;
  if (found && found.length <= 10) return found;
  return check.recent.endsWith('E') ? 'not run' : 'failed';
}
