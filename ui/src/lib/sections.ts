import type { IconName } from '../parts/Icon.svelte';

// The pages that are always at hand.
export const pages: readonly { href: string; name: string; icon: IconName }[] = [
  { href: '/', name: 'Dashboard', icon: 'board' },
  { href: '/services', name: 'Services', icon: 'services' },
  { href: '/incidents', name: 'Incidents', icon: 'incidents' },
  { href: '/events', name: 'Events', icon: 'events' },
  { href: '/runners', name: 'Runners', icon: 'runners' },
  { href: '/pages', name: 'Status pages', icon: 'status' },
  { href: '/settings', name: 'Settings', icon: 'settings' },
];

// newPage is where a status page is made; /pages/new would be that of a page with the id new.
export const newPage = '/new/page';

// here tells whether a path belongs to a page.
export const here = (path: string, href: string): boolean => (href === '/' ? /^\/($|checks|new$)/.test(path) : path.startsWith(href) || (href === '/pages' && path === newPage));

// travels tells whether a page can show the past.
export const travels = (path: string): boolean => /^\/($|services$|incidents$|checks\/[^/]+$)/.test(path);
