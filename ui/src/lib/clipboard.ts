// copy puts a text on the clipboard, and reports whether the browser lets pages do that here.
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
