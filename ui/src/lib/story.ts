import type { CloudEvent, Correction, Definition, Status } from '../api/types';
import { checkName, serviceName } from './board.svelte';
import { kinds } from './corrections';
import { diff, type Change } from './diff';
import { span, word } from './format';

// Story is an event in words.
export interface Story {
  title: string;
  detail: string;
  // The status that it leads to, if it is about one.
  status?: Status;
  changes?: Change[];
}

// short is the type without what all have: "check.status_changed".
export const short = (type: string): string => type.replace(/^vedette\./, '').replace(/\.v\d+$/, '');

// subjectOf is the id of what the event is about.
export function subjectOf(event: CloudEvent): string {
  const data = event.data as Record<string, unknown> & { definition?: { id: string }; result?: { check_id: string } };
  // A service's change names the check that caused it as well.
  return String(data.definition?.id ?? data.result?.check_id ?? data['service_id'] ?? data['check_id'] ?? data['runner_id'] ?? data['incident_id'] ?? data['correction_id'] ?? event.subject);
}

const verbs: Record<Status, string> = {
  up: 'Recovered', degraded: 'Became slow', down: 'Went down', unknown: 'Became unknown', paused: 'Paused', maintenance: 'Maintenance began',
};

// tell puts an event into words; before is the definition that an update replaced.
export function tell(event: CloudEvent, before?: Partial<Definition>): Story {
  const data = event.data as Record<string, string> & { definition: Definition; duration_ms: number; result: { outcome: string; error: string } };
  switch (short(event.type)) {
    case 'check.registered': return { title: 'Created', detail: `every ${data.definition.interval || data.definition.cron || ''}` };
    case 'check.updated': return { title: 'Changed', detail: '', changes: before ? diff(before, data.definition) : [] };
    case 'check.deleted': return { title: 'Deleted', detail: '' };
    case 'check.paused': return { title: 'Paused', detail: '', status: 'paused' };
    case 'check.resumed': return { title: 'Resumed', detail: '' };
    case 'check.status_changed': {
      const to = data['to'] as Status;
      const first = data['from'] === 'unknown' && to === 'up';
      return { title: first ? 'Is up' : verbs[to], detail: data['reason'] ?? '', status: to };
    }
    case 'service.registered': return { title: `Service ${serviceName(data.definition.id)} created`, detail: '' };
    case 'service.updated': return { title: `Service ${serviceName(data.definition.id)} changed`, detail: '' };
    case 'service.deleted': return { title: `Service ${data['service_id']} deleted`, detail: '' };
    case 'service.status_changed': {
      const to = data['to'] as Status;
      return { title: `Service ${serviceName(data['service_id'] ?? '')}: ${word(data['from'] as Status).toLowerCase()} → ${word(to).toLowerCase()}`, detail: data['reason'] ?? '', status: to };
    }
    case 'page.registered': return { title: `Status page ${(data.definition as unknown as { title: string }).title} published`, detail: '' };
    case 'page.updated': return { title: `Status page ${(data.definition as unknown as { title: string }).title} changed`, detail: '' };
    case 'page.deleted': return { title: `Status page ${data['page_id']} taken away`, detail: '' };
    case 'incident.opened': return { title: 'Incident opened', detail: data['cause'] ?? '', status: 'down' };
    case 'incident.resolved': return { title: 'Incident resolved', detail: `${data['resolution']} after ${span(data.duration_ms)}`, status: 'up' };
    case 'correction.added': {
      const { kind, reason } = data.definition as unknown as Correction;
      return { title: `Corrected: ${kinds[kind].toLowerCase()}`, detail: reason, status: kind === 'maintenance' ? 'maintenance' : 'up' };
    }
    case 'correction.withdrawn': return { title: 'Correction withdrawn', detail: data['reason'] ?? '' };
    case 'runner.joined': return { title: `Runner ${data['runner_id']} joined`, detail: data['location'] ?? '' };
    case 'runner.left': return { title: `Runner ${data['runner_id']} left`, detail: data['reason'] ?? '', status: 'unknown' };
    case 'check.succeeded': return { title: `${checkName(subjectOf(event))} passed`, detail: '', status: data.result.outcome === 'degraded' ? 'degraded' : 'up' };
    case 'check.failed': return { title: `${checkName(subjectOf(event))} failed`, detail: data.result.error, status: data.result.outcome === 'error' ? 'unknown' : 'down' };
    default: return { title: short(event.type), detail: '' };
  }
}

// by names who did it; what the program decides by itself has no author.
export const by = (event: CloudEvent): string => event.actor ?? '';
