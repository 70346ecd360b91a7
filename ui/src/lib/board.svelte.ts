import { all, get, Problem, say } from '../api/client';
import { onEvent, onLive } from '../api/stream';
import type { Check, CloudEvent, Overview, Service, Status } from '../api/types';
import { Batch } from './batch';
import { counts } from './view';

// Statuses come at once, by event. Bars and figures change with every result; they follow with each
// fetch, of which there are fewer the more there is to fetch.
const refreshEvery = (checks: number): number => Math.min(60_000, Math.max(5000, checks * 15));

interface StatusChanged {
  check_id: string;
  to: Status;
  at: string;
  reason?: string;
}

// However many events come, the page changes so often only.
const applyEvery = 200;

// Board is the live list of checks, for all pages.
class Board {
  checks = $state.raw<ReadonlyMap<string, Check>>(new Map());
  services = $state.raw<ReadonlyMap<string, Service>>(new Map());
  overview = $state.raw<Overview | undefined>();
  openIncidents = $state(0);
  live = $state(false);
  loaded = $state(false);
  // Why the board cannot be read; empty when it can.
  trouble = $state('');
  // The server wants a token.
  locked = $state(false);
  readAt = $state(0);
  now = $state(Date.now());
  // What changed last, for those who listen to the page.
  changes = $state.raw<StatusChanged[]>([]);

  readonly counts = $derived(counts(this.checks.values()));

  #pending = new Batch<CloudEvent>(applyEvery, (events) => this.#apply(events));
  #timer: ReturnType<typeof setTimeout> | undefined;
  #reading: Promise<void> | undefined;
  #again = false;

  start(): () => void {
    const stops = [
      onLive((live) => {
        this.live = live;
        // What was missed while away is not in the stream of changes: read the board anew.
        if (live) void this.refresh();
      }),
      onEvent((event) => this.#pending.add(event)),
    ];
    const ticking = setInterval(() => (this.now = Date.now()), 1000);
    const shown = (): void => {
      if (!document.hidden) void this.refresh();
    };
    document.addEventListener('visibilitychange', shown);
    void this.refresh();
    return () => {
      clearInterval(ticking);
      clearTimeout(this.#timer);
      this.#pending.stop();
      document.removeEventListener('visibilitychange', shown);
      for (const stop of stops) stop();
    };
  }

  // refresh reads everything anew; what is asked for while it is under way is read once more after it.
  refresh(): Promise<void> {
    this.#again = this.#reading !== undefined;
    this.#reading ??= (async () => {
      do {
        this.#again = false;
        await this.#read();
      } while (this.#again);
      this.#reading = undefined;
    })();
    return this.#reading;
  }

  async #read(): Promise<void> {
    clearTimeout(this.#timer);
    try {
      const [checks, services, overview] = await Promise.all([all<Check>('/checks'), all<Service>('/services'), get<Overview>('/overview')]);
      this.#merge(checks);
      this.services = new Map(services.map((service) => [service.id, service]));
      this.overview = overview;
      this.openIncidents = overview.open_incidents;
      this.loaded = true;
      this.locked = false;
      this.trouble = '';
      this.readAt = Date.now();
    } catch (error) {
      this.locked = error instanceof Problem && error.status === 401;
      this.trouble = say(error);
    }
    this.#timer = setTimeout(() => {
      if (!document.hidden) void this.refresh();
    }, refreshEvery(this.checks.size));
  }

  // merge keeps what an event told after the answer was made, and the object of what did not change.
  #merge(read: Check[]): void {
    const before = this.checks;
    this.checks = new Map(read.map((check) => {
      const known = before.get(check.id);
      if (!known) return [check.id, check];
      if (known.sequence > check.sequence) {
        return [check.id, { ...check, status: known.status, status_since: known.status_since, reason: known.reason ?? '', sequence: known.sequence }];
      }
      const same = known.sequence === check.sequence && known.recent === check.recent && known.last_result?.id === check.last_result?.id &&
        known.uptime?.['24h']?.ratio === check.uptime?.['24h']?.ratio;
      return [check.id, same ? known : check];
    }));
  }

  #apply(events: CloudEvent[]): void {
    const checks = new Map(this.checks);
    const services = new Map(this.services);
    const changes: StatusChanged[] = [];
    let stale = false;
    for (const event of events) {
      switch (event.type) {
        case 'vedette.check.status_changed.v1': {
          const data = event.data as unknown as StatusChanged;
          const check = checks.get(data.check_id);
          const sequence = Number(event.sequence ?? 0);
          if (!check || sequence <= check.sequence) break;
          checks.set(check.id, { ...check, status: data.to, status_since: data.at, reason: data.reason ?? '', pending: false, sequence });
          changes.push(data);
          break;
        }
        case 'vedette.service.status_changed.v1': {
          const data = event.data as { service_id: string; to: Status; at: string };
          const service = services.get(data.service_id);
          if (service) services.set(service.id, { ...service, status: data.to, status_since: data.at });
          break;
        }
        case 'vedette.check.deleted.v1':
          checks.delete((event.data as { check_id: string }).check_id);
          break;
        case 'vedette.incident.opened.v1':
          this.openIncidents++;
          break;
        case 'vedette.incident.resolved.v1':
          this.openIncidents = Math.max(0, this.openIncidents - 1);
          break;
        default:
          stale = true;
      }
    }
    this.checks = checks;
    this.services = services;
    if (changes.length) this.changes = changes;
    if (stale) void this.refresh();
  }

  // put shows a check as a write has answered it, without waiting for the next fetch.
  put(check: Check): void {
    this.checks = new Map(this.checks).set(check.id, check);
  }

  drop(id: string): void {
    const checks = new Map(this.checks);
    checks.delete(id);
    this.checks = checks;
  }
}

export const board = new Board();

export const serviceName = (id: string): string => board.services.get(id)?.name ?? id;
export const checkName = (id: string): string => board.checks.get(id)?.name ?? id;
