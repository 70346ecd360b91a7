import type { Component } from 'svelte';
import { newPage } from './sections';

// The board is in the first load; the code of every other page comes when it is opened.

export interface Shown {
  id: string;
  // Not every page takes the id; one that does not ignores it.
  load: () => Promise<{ default: Component<any> }>;
}

const form = () => import('../pages/CheckForm.svelte');
const check = () => import('../pages/CheckPage.svelte');
const services = () => import('../pages/Services.svelte');
const incidents = () => import('../pages/Incidents.svelte');
const incident = () => import('../pages/IncidentPage.svelte');
const events = () => import('../pages/Events.svelte');
const statusPages = () => import('../pages/StatusPages.svelte');
const statusPage = () => import('../pages/StatusPageForm.svelte');
const settings = () => import('../pages/Settings.svelte');
const runners = () => import('../pages/Runners.svelte');

// pageOf says which page an address is, or undefined when it is none.
export function pageOf(path: string): Shown | undefined {
  const [section = '', id = '', ...rest] = path.split('/').filter(Boolean).map(decodeURIComponent);
  if (path === newPage) return { id: '', load: statusPage };
  const tail = rest.join('/');
  switch (`${section}${id && '/:id'}${tail && `/${tail}`}`) {
    case 'new': return { id, load: form };
    case 'checks/:id': return { id, load: check };
    case 'checks/:id/edit': return { id, load: form };
    case 'services': return { id, load: services };
    case 'incidents': return { id, load: incidents };
    case 'incidents/:id': return { id, load: incident };
    case 'events': return { id, load: events };
    case 'runners': return { id, load: runners };
    case 'pages': return { id, load: statusPages };
    case 'pages/:id': return { id, load: statusPage };
    case 'settings': return { id, load: settings };
    default: return undefined;
  }
}

// warm fetches the pages while nothing else happens, so that opening one does not wait for the network.
export function warm(): void {
  for (const load of [check, form, services, incidents, incident, events, runners, statusPages, statusPage, settings]) void load().catch(() => undefined);
}
