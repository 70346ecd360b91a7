import { read, Refused } from './sse';
import type { Board, BoardChange, CloudEvent } from './types';

// One stream of the board for all tabs of a browser: HTTP/1.1 allows six connections to a host. The
// tab that holds the lock is connected and passes on what comes; when it closes, another takes over.

// Told is what listeners are given. A board replaces everything; changes come after it, in order.
export type Told = { board: Board } | { change: BoardChange } | { live: boolean } | { refused: number };

// A tab that has just opened asks for the board as the leader knows it.
type Relayed = Told | { ask: true };

interface Hooks {
  tell: (told: Told) => void;
  // The board as it is known, to give to another tab; undefined when it is not.
  board: () => Board | undefined;
}

// Tabs with another token are told nothing: their names differ.
function nameOf(token: string): string {
  let hash = 2166136261;
  for (const character of token) hash = Math.imul(hash ^ character.charCodeAt(0), 16777619);
  return `vedette-board-${(hash >>> 0).toString(36)}`;
}

// Over plain HTTP from another machine there are no locks: then every tab is connected by itself.
const locks = navigator.locks as LockManager | undefined;

// share follows the board, by itself or through another tab, until it is stopped.
export function share(hooks: Hooks): () => void {
  const stop = new AbortController();
  const name = nameOf(sessionStorage.getItem('token') ?? '');
  const channel = new BroadcastChannel(name);
  let leads = false;
  let live = false;
  let others = false;
  let whole = false;

  const relay = (told: Told): void => {
    if ('live' in told) live = told.live;
    if (others) channel.postMessage(told);
    hooks.tell(told);
  };
  channel.onmessage = ({ data }: MessageEvent<Relayed>) => {
    if ('ask' in data) {
      others = true;
      const board = hooks.board();
      if (leads && board) channel.postMessage({ board } satisfies Told);
      if (leads) channel.postMessage({ live } satisfies Told);
      return;
    }
    if (leads) return;
    whole ||= 'board' in data;
    // Changes of a board that is not known say nothing.
    if (whole || !('change' in data)) hooks.tell(data);
  };
  const lead = async (): Promise<void> => {
    leads = true;
    // Who waits for the lock is another tab, which may have asked the leader before.
    void locks?.query().then(({ pending = [] }) => {
      others ||= pending.some((lock) => lock.name === name);
    });
    await follow('/board/stream', {
      live: (now) => relay({ live: now }),
      message: (type, data) => relay(type === 'board' ? { board: JSON.parse(data) as Board } : { change: JSON.parse(data) as BoardChange }),
      refused: (status) => relay({ refused: status }),
      signal: stop.signal,
    });
  };
  channel.postMessage({ ask: true } satisfies Relayed);
  if (locks) void locks.request(name, { signal: stop.signal }, lead).catch(() => undefined);
  else void lead();
  return () => {
    stop.abort();
    channel.close();
  };
}

interface Following {
  live: (live: boolean) => void;
  message: (type: string, data: string, cursor: string) => void;
  refused?: (status: number) => void;
  signal: AbortSignal;
}

// follow reads a stream, connecting again and again, until the signal says stop.
export async function follow(path: string, to: Following): Promise<void> {
  let wait = 250;
  let after = '';
  while (!to.signal.aborted) {
    try {
      await read(path, after, {
        opened: () => {
          wait = 250;
          to.live(true);
        },
        message: (message) => {
          after = message.id || after;
          if (message.data) to.message(message.type, message.data, after);
        },
      }, to.signal);
    } catch (error) {
      // A cursor that the server does not know: its log is another one now.
      if (error instanceof Refused && error.status === 422) after = '';
      if (error instanceof Refused) to.refused?.(error.status);
    }
    if (to.signal.aborted) return;
    to.live(false);
    await pause(wait * (0.75 + Math.random() / 2), to.signal);
    wait = Math.min(wait * 2, 4000);
  }
}

// events follows the event stream; query selects.
export const events = (query: string, live: (live: boolean) => void, tell: (event: CloudEvent) => void, signal: AbortSignal): Promise<void> =>
  follow(`/events/stream${query && `?${query}`}`, { live, message: (_, data) => tell(JSON.parse(data) as CloudEvent), signal });

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}
