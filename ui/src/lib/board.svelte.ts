import { get, say } from '../api/client';
import { share, type Told } from '../api/stream';
import type { Board as Whole, BoardChange, Check, Row, Service, Status } from '../api/types';
import { Batch } from './batch';
import { counts } from './view';

// How long a tab waits before it asks for the board again.
const patience = 3000;
const barLength = 60;
// What results tell is shown when the clock moves: each time costs a frame. What turns is shown at once,
// but of many that turn one after the other no more than the first.
const tick = 1000;

export interface Turn {
  id: string;
  to: Status;
}

// Board is the live list of checks, for all pages. It is told of everything by one stream.
class Board {
  // The same map as long as the board is: thousands are not copied for some. Who reads it is told.
  #checks = new Map<string, Row>();
  #version = $state(0);
  services = $state.raw<ReadonlyMap<string, Service>>(new Map());
  openIncidents = $state(0);
  runners = $state(0);
  // The place in the events that has been reached.
  sequence = $state(0);
  live = $state(false);
  loaded = $state(false);
  // Why the board cannot be read; empty when it can.
  trouble = $state('');
  // The server wants a token.
  locked = $state(false);
  readAt = $state(0);
  now = $state(Date.now());
  // What turned last, for those who listen to the page.
  turns = $state.raw<Turn[]>([]);
  // Moves when checks come, go or are defined anew, and when a status changes: what is made of those
  // need not be made again with every result.
  shape = $state(0);
  statuses = $state(0);

  readonly counts = $derived.by(() => {
    void this.statuses;
    return counts(this.#checks.values());
  });

  readonly #pending = new Batch<BoardChange>(tick, (changes) => this.#apply(changes));

  // ready is when the board is known for the first time.
  readonly ready: Promise<void>;
  #known: () => void = () => undefined;
  #stop: () => void = () => undefined;
  #waiting: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.ready = new Promise((resolve) => (this.#known = resolve));
  }

  get checks(): ReadonlyMap<string, Row> {
    void this.#version;
    return this.#checks;
  }

  // start follows the board for as long as the page lives.
  start(): void {
    setInterval(() => {
      this.#pending.flush();
      this.now = Date.now();
    }, tick);
    this.restart();
  }

  // restart follows the board anew, with the token that there is now.
  restart(): void {
    this.#stop();
    this.#pending.stop();
    clearTimeout(this.#waiting);
    this.locked = false;
    this.#stop = share({ tell: (told) => this.#told(told), board: () => this.#whole() });
    void this.#ask();
  }

  // ask reads the board once, which the page has asked for before this script was there: the stream
  // takes longer. Who is not told of it learns here why.
  async #ask(): Promise<void> {
    if (this.loaded || this.locked) return;
    try {
      const whole = await get<Whole>('/board');
      if (!this.loaded) this.#replace(whole);
    } catch (error) {
      if (this.loaded) return;
      this.trouble = say(error);
      this.#waiting = setTimeout(() => void this.#ask(), patience);
    }
  }

  #told(told: Told): void {
    if ('live' in told) {
      this.live = told.live;
      if (!told.live && !this.loaded) void this.#ask();
    } else if ('refused' in told) {
      this.locked = told.refused === 401;
    } else if ('board' in told) {
      this.#replace(told.board);
    } else {
      const { checks, gone_checks: gone, services, gone_services: goneServices } = told.change;
      if (checks || gone || services || goneServices) this.#pending.add(told.change);
      else this.#pending.hold(told.change);
    }
  }

  #whole(): Whole | undefined {
    if (!this.loaded) return undefined;
    this.#pending.flush();
    return {
      at: new Date(this.readAt).toISOString(), checks: [...this.checks.values()], services: [...this.services.values()],
      open_incidents: this.openIncidents, runners: this.runners, sequence: this.sequence,
    };
  }

  #replace(whole: Whole): void {
    this.#pending.stop();
    const turns = this.loaded ? turned(this.#checks, whole.checks) : [];
    this.#checks = new Map(whole.checks.map((row) => [row.id, row]));
    this.#version++;
    this.services = new Map(whole.services.map((service) => [service.id, service]));
    this.shape++;
    this.statuses++;
    this.#counted(whole, turns);
    this.loaded = true;
    this.trouble = '';
    this.#known();
  }

  #apply(changes: BoardChange[]): void {
    const turns: Turn[] = [];
    for (const change of changes) {
      turns.push(...turned(this.#checks, change.checks ?? []));
      this.#take(change);
    }
    const last = changes.at(-1);
    if (last) this.#counted(last, turns);
  }

  #take(change: BoardChange): void {
    const checks = this.#checks;
    for (const row of change.checks ?? []) {
      const known = checks.get(row.id);
      // A write may have been answered with what comes later.
      if (known && known.sequence > row.sequence) continue;
      if (!known || known.revision !== row.revision) this.shape++;
      checks.set(row.id, row);
    }
    for (const [id, letters, latency, uptime, coverage] of change.beats ?? []) {
      const known = checks.get(id);
      if (known) checks.set(id, { ...known, recent: (known.recent + letters).slice(-barLength), latency_ms: latency, uptime_24h: uptime, coverage_24h: coverage });
    }
    for (const id of change.gone_checks ?? []) checks.delete(id);
    if (change.gone_checks) this.shape++;
    if (change.checks || change.gone_checks) this.statuses++;
    if (change.checks || change.gone_checks || change.beats) this.#version++;
    if (change.services || change.gone_services) {
      const services = new Map(this.services);
      for (const service of change.services ?? []) services.set(service.id, service);
      for (const id of change.gone_services ?? []) services.delete(id);
      this.services = services;
    }
  }

  #counted(from: Whole | BoardChange, turns: Turn[]): void {
    this.openIncidents = from.open_incidents;
    this.runners = from.runners;
    this.sequence = from.sequence;
    this.readAt = Date.now();
    if (turns.length) this.turns = turns;
  }

  // put shows a check as a write has answered it, without waiting to be told.
  put(check: Check): void {
    this.#pending.flush();
    this.#checks.set(check.id, rowOf(check, this.#checks.get(check.id)));
    this.#moved();
  }

  drop(id: string): void {
    this.#pending.flush();
    this.#checks.delete(id);
    this.#moved();
  }

  #moved(): void {
    this.#version++;
    this.shape++;
    this.statuses++;
  }

  putService(service: Service): void {
    this.services = new Map(this.services).set(service.id, service);
  }

  dropService(id: string): void {
    const services = new Map(this.services);
    services.delete(id);
    this.services = services;
  }
}

const turned = (known: ReadonlyMap<string, Row>, rows: Row[]): Turn[] =>
  rows.filter((row) => (known.get(row.id)?.status ?? row.status) !== row.status).map((row) => ({ id: row.id, to: row.status }));

function rowOf(check: Check, known: Row | undefined): Row {
  const day = check.uptime?.['24h'];
  return {
    id: check.id, name: check.name, service: check.service, kind: check.kind, target: check.target, locations: check.locations,
    paused: check.paused, revision: check.revision, sequence: check.sequence, status: check.status, status_since: check.status_since,
    recent: check.recent, uptime_24h: day?.ratio ?? null, coverage_24h: day?.coverage ?? 0, corrected_24h: Boolean(day?.corrected), pending: check.pending ?? false,
    reason: check.reason ?? '', finding: known?.finding ?? '', ...(check.labels && { labels: check.labels }), ...(check.latency_ms && { latency_ms: check.latency_ms }),
  };
}

export const board = new Board();

export const serviceName = (id: string): string => board.services.get(id)?.name ?? id;
export const checkName = (id: string): string => board.checks.get(id)?.name ?? id;
