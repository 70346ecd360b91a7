import { read, Refused } from './sse';
import type { CloudEvent } from './types';

// One event stream for all tabs of a browser: HTTP/1.1 allows six connections to a host. The tab
// that holds the lock is connected and passes on what comes; when it closes, another takes over
// where it stopped.

type Listener = (event: CloudEvent) => void;
type LiveListener = (live: boolean) => void;

interface Relayed {
  event?: CloudEvent;
  cursor?: string;
  live?: boolean;
  // A tab that has just opened asks whether the stream is live.
  ask?: true;
}

const lock = 'vedette-events';
const listeners = new Set<Listener>();
const liveListeners = new Set<LiveListener>();
const channel = new BroadcastChannel(lock);
let live = false;
let leads = false;
let cursor = '';

function deliver(message: Relayed): void {
  if (message.cursor) cursor = message.cursor;
  if (message.live !== undefined && message.live !== live) {
    live = message.live;
    for (const tell of liveListeners) tell(live);
  }
  if (message.event) for (const tell of listeners) tell(message.event);
  if (message.ask && leads) channel.postMessage({ live } satisfies Relayed);
}

// Over plain HTTP from another machine there are no locks: then every tab is connected by itself.
const locks = navigator.locks as LockManager | undefined;

function relay(message: Relayed): void {
  if (locks) channel.postMessage(message);
  deliver(message);
}

async function lead(): Promise<void> {
  leads = true;
  await follow('/events/stream', {
    after: () => cursor,
    live: (now) => relay({ live: now }),
    event: (event, at) => relay(event ? { event, cursor: at } : { cursor: at }),
    signal: new AbortController().signal,
  });
}

interface Following {
  after: () => string;
  live: (live: boolean) => void;
  // The event is undefined when only the place in the stream is told.
  event: (event: CloudEvent | undefined, cursor: string) => void;
  signal: AbortSignal;
}

// follow reads a stream, connecting again and again, until the signal says stop.
export async function follow(path: string, to: Following): Promise<void> {
  let wait = 250;
  let after = to.after();
  while (!to.signal.aborted) {
    try {
      await read(path, after, {
        opened: () => {
          wait = 250;
          to.live(true);
        },
        message: (message) => {
          after = message.id || after;
          to.event(message.data ? (JSON.parse(message.data) as CloudEvent) : undefined, after);
        },
      }, to.signal);
    } catch (error) {
      // A cursor that the server does not know: its log is another one now.
      if (error instanceof Refused && error.status === 422) after = '';
    }
    to.live(false);
    await pause(wait * (0.75 + Math.random() / 2), to.signal);
    wait = Math.min(wait * 2, 4000);
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}

let started = false;

function start(): void {
  if (started) return;
  started = true;
  channel.onmessage = (message: MessageEvent<Relayed>) => deliver(message.data);
  channel.postMessage({ ask: true } satisfies Relayed);
  if (locks) void locks.request(lock, lead);
  else void lead();
}

// onEvent calls tell with every event from now on, in order, and returns how to stop.
export function onEvent(tell: Listener): () => void {
  start();
  listeners.add(tell);
  return () => listeners.delete(tell);
}

// onLive tells whether the stream is connected, now and on every change.
export function onLive(tell: LiveListener): () => void {
  start();
  tell(live);
  liveListeners.add(tell);
  return () => liveListeners.delete(tell);
}
