// The theme follows the system until somebody chooses.

const chosen = localStorage.getItem('theme');
if (chosen) document.documentElement.dataset['theme'] = chosen;

export function toggleTheme(): void {
  const root = document.documentElement;
  const dark = root.dataset['theme'] ? root.dataset['theme'] === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset['theme'] = dark ? 'light' : 'dark';
  localStorage.setItem('theme', root.dataset['theme']);
}
