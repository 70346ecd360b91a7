import { statuses, type Row, type Status } from '../api/types';
import { count, plural } from './format';

// View is what of the board is shown, and in which order: the part of it that lives in the address.
export interface View {
  text: string;
  status: Status[];
  service: string;
  kind: string;
  label: string;
  sort: Sort;
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
    compact: query.get('density') === 'compact',
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

export function matches(check: Row, view: View): boolean {
  if (view.status.length && !view.status.includes(check.status)) return false;
  if (view.service && check.service !== view.service) return false;
  if (view.kind && check.kind !== view.kind) return false;
  if (view.label) {
    const [key = '', value] = view.label.split('=');
    const has = check.labels?.[key];
    if (has === undefined || (value !== undefined && has !== value)) return false;
  }
  const text = view.text.trim().toLowerCase();
  return !text || [check.id, check.name, check.target, check.service].some((part) => part.toLowerCase().includes(text));
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

// Ranker numbers checks by name, then id. Comparing names is slow, and names seldom change: numbers
// are kept until they do.
class Ranker {
  #names = new Map<string, string>();
  #ranks = new Map<string, number>();

  ranks(checks: ReadonlyMap<string, Row>): Map<string, number> {
    let same = checks.size === this.#names.size;
    for (const check of checks.values()) same &&= this.#names.get(check.id) === check.name;
    if (!same) {
      this.#names = new Map([...checks.values()].map((check) => [check.id, check.name]));
      const sorted = [...checks.values()].sort((a, b) => collator.compare(a.name, b.name) || (a.id < b.id ? -1 : 1));
      this.#ranks = new Map(sorted.map((check, index) => [check.id, index]));
    }
    return this.#ranks;
  }
}

const ranker = new Ranker();
const severity = new Map(statuses.map((status, index) => [status, index]));
const by: Record<Sort, (a: Row, b: Row) => number> = {
  worst: (a, b) => (severity.get(a.status) ?? 9) - (severity.get(b.status) ?? 9),
  name: () => 0,
  service: (a, b) => (a.service < b.service ? -1 : a.service > b.service ? 1 : 0),
  latency: (a, b) => (b.latency_ms ?? 0) - (a.latency_ms ?? 0),
  uptime: (a, b) => (a.uptime_24h ?? 2) - (b.uptime_24h ?? 2),
  changed: (a, b) => (a.status_since < b.status_since ? 1 : a.status_since > b.status_since ? -1 : 0),
};

// order returns the ids of what the view shows, in its order; ties are by name, then id.
export function order(checks: ReadonlyMap<string, Row>, view: View): string[] {
  const ranks = ranker.ranks(checks);
  const rank = (check: Row): number => ranks.get(check.id) ?? 0;
  return [...checks.values()]
    .filter((check) => matches(check, view))
    .sort((a, b) => by[view.sort](a, b) || rank(a) - rank(b))
    .map((check) => check.id);
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
