import type { CloudEvent } from './types';

// One event stream for all tabs of a browser: HTTP/1.1 allows six connections to a host. The tab
// that holds the lock is connected and passes on what comes; when it closes, another takes over.

type Listener = (event: CloudEvent) => void;
type LiveListener = (live: boolean) => void;

interface Relayed {
  event?: CloudEvent;
  live?: boolean;
}

const listeners = new Set<Listener>();
const liveListeners = new Set<LiveListener>();
const channel = new BroadcastChannel('vedette-events');
let live = false;
let last = '';

function deliver(message: Relayed): void {
  if (message.live !== undefined && message.live !== live) {
    live = message.live;
    for (const tell of liveListeners) tell(live);
  }
  if (message.event) for (const tell of listeners) tell(message.event);
}

function relay(message: Relayed): void {
  channel.postMessage(message);
  deliver(message);
}

function connect(): Promise<never> {
  return new Promise(() => {
    const open = (): void => {
      const source = new EventSource(`/api/v1/events/stream${last && `?after=${encodeURIComponent(last)}`}`);
      source.onopen = () => relay({ live: true });
      source.onerror = () => {
        relay({ live: false });
        // The browser reconnects by itself unless the server refused: then try again later.
        if (source.readyState === EventSource.CLOSED) setTimeout(open, 2000);
      };
      for (const type of types) {
        source.addEventListener(type, (message) => {
          last = message.lastEventId;
          relay({ event: JSON.parse(message.data) as CloudEvent });
        });
      }
    };
    open();
  });
}

const types = [
  ...['registered', 'updated', 'deleted', 'paused', 'resumed', 'status_changed'].map((verb) => `vedette.check.${verb}.v1`),
  ...['registered', 'updated', 'deleted', 'status_changed'].map((verb) => `vedette.service.${verb}.v1`),
  ...['opened', 'resolved'].map((verb) => `vedette.incident.${verb}.v1`),
  ...['joined', 'left'].map((verb) => `vedette.runner.${verb}.v1`),
];

let started = false;

function start(): void {
  if (started) return;
  started = true;
  channel.onmessage = (message: MessageEvent<Relayed>) => deliver(message.data);
  void navigator.locks.request('vedette-events', connect);
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
