import { all, get, say } from '../api/client';
import { onEvent, onLive } from '../api/stream';
import type { Check, CloudEvent, Status } from '../api/types';

// How often figures that change with every result are fetched; statuses come at once by event.
const refreshEvery = 5000;

// Board is the live list of checks. Statuses are applied as their events come, in animation frames;
// bars and figures follow with each fetch.
class Board {
  checks = $state.raw<ReadonlyMap<string, Check>>(new Map());
  openIncidents = $state(0);
  live = $state(false);
  loaded = $state(false);
  trouble = $state('');
  now = $state(Date.now());

  #pending: CloudEvent[] = [];
  #frame = 0;
  #stale = false;
  #stops: (() => void)[] = [];

  start(): () => void {
    this.#stops = [
      onLive((live) => {
        this.live = live;
        // What was missed while away is not in the stream of changes: read the board anew.
        if (live) void this.refresh();
      }),
      onEvent((event) => this.#take(event)),
    ];
    const ticking = setInterval(() => {
      this.now = Date.now();
    }, 1000);
    const fetching = setInterval(() => {
      if (!document.hidden) void this.refresh();
    }, refreshEvery);
    void this.refresh();
    return () => {
      clearInterval(ticking);
      clearInterval(fetching);
      for (const stop of this.#stops) stop();
    };
  }

  async refresh(): Promise<void> {
    try {
      const [checks, overview] = await Promise.all([all<Check>('/checks'), get<{ open_incidents: number }>('/overview')]);
      this.checks = new Map(checks.map((check) => [check.id, check]));
      this.openIncidents = overview.open_incidents;
      this.loaded = true;
      this.trouble = '';
    } catch (error) {
      this.trouble = say(error);
    }
  }

  #take(event: CloudEvent): void {
    this.#pending.push(event);
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#apply();
    });
  }

  #apply(): void {
    const events = this.#pending;
    this.#pending = [];
    const checks = new Map(this.checks);
    for (const event of events) {
      switch (event.type) {
        case 'vedette.check.status_changed.v1': {
          const data = event.data as { check_id: string; to: Status; at: string; reason?: string };
          const check = checks.get(data.check_id);
          if (check) checks.set(check.id, { ...check, status: data.to, status_since: data.at, reason: data.reason ?? '' });
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
          this.#stale ||= event.type.startsWith('vedette.check.');
      }
    }
    this.checks = checks;
    if (this.#stale) {
      this.#stale = false;
      void this.refresh();
    }
  }
}

export const board = new Board();
