import type { Causes, CloudEvent, Incident, Result, Status } from '../api/types';
import { checkName } from './board.svelte';
import { outcomeStatus } from '../api/types';
import { short, tell } from './story';

// Step is one line of an incident's timeline: from the first failing result to the recovery.
export interface Step {
  key: string;
  at: number;
  kind: 'Cause' | 'Transition' | 'Incident' | 'Alert' | 'Delivery' | 'Recovery' | 'Action';
  title: string;
  detail: string;
  status?: Status;
  href?: string;
}

const actions = new Set(['check.updated', 'check.paused', 'check.resumed', 'check.deleted']);

function stepOf(event: CloudEvent, result: Result | undefined): Step | undefined {
  const story = tell(event);
  const base = { key: event.id, at: Date.parse(event.time), ...(story.status && { status: story.status }), href: `/events?id=${encodeURIComponent(event.id)}` };
  const kind = short(event.type);
  const data = event.data as { check_id?: string; from?: string; to?: string };
  if (kind === 'check.status_changed') {
    const seen = result ? `Decided by the result from ${result.location}` : 'Decided by silence';
    return { ...base, kind: 'Transition', title: `${checkName(data.check_id ?? '')}: ${data.from} → ${data.to}`, detail: story.detail || seen };
  }
  if (kind === 'service.status_changed') return { ...base, kind: 'Transition', title: story.title, detail: story.detail };
  if (kind.startsWith('incident.')) return { ...base, kind: 'Incident', title: story.title, detail: story.detail };
  if (actions.has(kind)) return { ...base, kind: 'Action', title: `${story.title}${event.actor ? ` by ${event.actor}` : ''}`, detail: '' };
  return undefined;
}

// leadingTo returns the results in which each location failed in a row until a time, of results that are in order: those that
// came before a success are another story. An error tells nothing of the target.
function leadingTo(opened: number, results: Result[]): Result[] {
  const rows = new Map<string, Result[]>();
  for (const result of results) {
    if (Date.parse(result.started_at) > opened) break;
    if (result.outcome === 'failure') {
      const row = rows.get(result.location);
      if (row) row.push(result);
      else rows.set(result.location, [result]);
    } else if (result.outcome !== 'error') rows.delete(result.location);
  }
  return [...rows.values()].flat().sort(inOrder);
}

const inOrder = (a: Result, b: Result): number => (a.started_at < b.started_at ? -1 : 1);

// At most so many failing results are told one by one: the first, and the last.
const told = 5;

// timeline puts together what happened in and around an incident, oldest first; events come newest first. Failing results are
// told until it was opened, and how many followed; of the others the one that ended it.
export function timeline(incident: Incident, events: CloudEvent[], results: Result[], causes: Causes | undefined): Step[] {
  const opened = Date.parse(incident.opened_at);
  const until = incident.resolved_at ? Date.parse(incident.resolved_at) + 2000 : Infinity;
  const ordered = [...results].sort(inOrder);
  const row = leadingTo(opened + 500, ordered);
  const leading = row.length > told ? [...row.slice(0, 1), ...row.slice(1 - told)] : row;
  const later = ordered.filter((result) => result.outcome === 'failure' && Date.parse(result.started_at) > opened + 500 && Date.parse(result.started_at) <= until);
  const first = leading[0] ? Date.parse(leading[0].started_at) : opened;
  // The event of a result is known where the chain names it.
  const eventOf = new Map((causes?.chain ?? []).map((link) => [(link.event?.data as { result?: { id: string } } | undefined)?.result?.id, link.id]));
  const of = (result: Result): Pick<Step, 'href'> => {
    const event = eventOf.get(result.id);
    return event === undefined ? {} : { href: `/events?id=${encodeURIComponent(event)}&results=true` };
  };
  const steps: Step[] = leading.map((result) => ({
    key: result.id, ...of(result), at: Date.parse(result.started_at) + result.duration_ms, kind: 'Cause', status: outcomeStatus(result.outcome),
    title: `${result.location}: ${result.error || 'failed'}`, detail: `${checkName(result.check_id)}, attempt ${result.attempts}, runner ${result.runner}`,
  }));
  for (const event of [...events].reverse()) {
    const at = Date.parse(event.time);
    if (at < first - 1000 || at > until) continue;
    const id = (event.data as { result_id?: string }).result_id;
    const step = stepOf(event, results.find((result) => result.id === id));
    if (step) steps.push(step);
  }
  const last = later.at(-1);
  if (last) steps.push({ key: 'during', at: Date.parse(last.started_at), kind: 'Cause', status: 'down', title: `${later.length} more ${later.length === 1 ? 'result' : 'results'} failed`, detail: `last: ${last.error || 'failed'}` });
  const ending = ordered.find((result) => (result.outcome === 'success' || result.outcome === 'degraded') && Date.parse(result.started_at) > opened && Date.parse(result.started_at) <= until);
  if (incident.resolved_at && ending) {
    steps.push({ key: ending.id, ...of(ending), at: Date.parse(ending.started_at) + ending.duration_ms, kind: 'Recovery', status: outcomeStatus(ending.outcome), title: `${ending.location}: answered again`, detail: `after ${ending.attempts === 1 ? 'one attempt' : `${ending.attempts} attempts`}` });
  }
  for (const link of causes?.chain ?? []) {
    if (!link.event || (link.role !== 'notification' && link.role !== 'delivery')) continue;
    steps.push({ key: link.id, at: Date.parse(link.event.time), kind: link.role === 'delivery' ? 'Delivery' : 'Alert', title: link.summary, detail: '', href: `/events?id=${encodeURIComponent(link.id)}` });
  }
  return steps.sort((a, b) => a.at - b.at);
}
