// Server-sent events by fetch: unlike EventSource it can send a token, tells every failure, and sees
// the heartbeats, so that a connection that died without a word is not taken for a quiet one.

export interface Message {
  type: string;
  data: string;
  id: string;
}

// Longer than two heartbeats of the server (15 s).
const silence = 35_000;

interface Hooks {
  opened: () => void;
  message: (message: Message) => void;
}

// read follows one connection until it ends, and throws why. after resumes behind a cursor.
export async function read(path: string, after: string, hooks: Hooks, signal: AbortSignal): Promise<void> {
  const dead = new AbortController();
  const stop = (): void => dead.abort(new Error('stopped'));
  signal.addEventListener('abort', stop);
  let timer = setTimeout(stop, silence);
  try {
    const headers = new Headers({ Accept: 'text/event-stream' });
    const token = sessionStorage.getItem('token');
    if (token) headers.set('Authorization', `Bearer ${token}`);
    if (after) headers.set('Last-Event-ID', after);
    const response = await fetch(`/api/v1${path}`, { headers, signal: dead.signal, cache: 'no-store' });
    if (!response.ok || !response.body) throw new Refused(response.status);
    hooks.opened();
    const parse = parser(hooks.message);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(stop, silence);
      parse(value);
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

// Refused is an answer other than a stream.
export class Refused extends Error {
  constructor(readonly status: number) {
    super(`The event stream was refused with status ${status}.`);
  }
}

// parser takes the text of a stream in pieces of any size. An id without data is told as well: it is
// the place that the stream has reached.
export function parser(tell: (message: Message) => void): (text: string) => void {
  let rest = '';
  let cut = false;
  let type = '';
  let data: string[] = [];
  let id = '';
  let told = '';
  const line = (text: string): void => {
    if (text === '') {
      if (data.length > 0 || id !== told) tell({ type, data: data.join('\n'), id });
      told = id;
      type = '';
      data = [];
      return;
    }
    const colon = text.indexOf(':');
    const name = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? '' : text.slice(colon + 1).replace(/^ /, '');
    if (name === 'event') type = value;
    else if (name === 'data') data.push(value);
    else if (name === 'id') id = value;
  };
  // A board is one line of megabytes in many pieces: only what is new is searched for its end.
  return (piece) => {
    const text = cut ? `\r${piece}` : piece;
    cut = text.endsWith('\r'); // the other half of the end of a line may follow
    const lines = (cut ? text.slice(0, -1) : text).split(/\r\n|\n|\r/);
    lines[0] = rest + lines[0];
    rest = lines.pop() ?? '';
    for (const one of lines) line(one);
  };
}
