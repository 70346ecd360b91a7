import { publicLink } from './pagedraft';

// Badge is what a picture for other sites is to show.
export interface Badge {
  page: string;
  // Empty for the worst status of the page.
  service: string;
  kind: 'status' | 'uptime' | 'latency';
  // Days of uptime.
  days: 7 | 30 | 90;
  // The text on the left; empty for the usual one.
  label: string;
}

// longestLabel is as the server takes it.
export const longestLabel = 60;

// badgePath is where the picture is.
export function badgePath(badge: Badge): string {
  const query = new URLSearchParams();
  if (badge.service && badge.kind === 'uptime') query.set('window', `${badge.days}d`);
  if (badge.label.trim()) query.set('label', badge.label.trim());
  const text = query.toString();
  const kind = badge.service ? badge.kind : 'status';
  return `${publicLink(badge.page)}/badge/${badge.service && `${encodeURIComponent(badge.service)}/`}${kind}.svg${text && `?${text}`}`;
}

const inHTML = (text: string): string => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
const inMarkdown = (text: string): string => text.replace(/[\\[\]`*_<>]/g, '\\$&');

// snippets are what is pasted where the badge is to stand; it leads to the page. name is read out in its place.
export function snippets(badge: Badge, name: string, origin: string): [format: string, text: string][] {
  const picture = origin + badgePath(badge);
  const page = origin + publicLink(badge.page);
  return [
    ['Markdown', `[![${inMarkdown(name)}](${picture})](${page})`],
    ['HTML', `<a href="${inHTML(page)}"><img src="${inHTML(picture)}" alt="${inHTML(name)}"></a>`],
    ['URL', picture],
  ];
}
