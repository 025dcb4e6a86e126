/** The page. Its paths are relative to `url`, which has the prefixes of the application and of its proxies. */
export function html(url: string): string {
  const [path = ''] = url.split('?');
  const last = path.slice(path.lastIndexOf('/') + 1);
  const base = last === '' ? '' : `${escape(last)}/`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>Stream inspector</title>
<link rel="icon" href="${base}inspector.svg">
<link rel="stylesheet" href="${base}inspector.css">
<script type="module" src="${base}inspector.js"></script>
</head>
<body data-base="${base}">
<noscript>This page needs JavaScript.</noscript>
</body>
</html>
`;
}

/** Escapes a text for an attribute. A colon would make a scheme of the first segment of a relative URL. */
function escape(text: string): string {
  return text.replace(/[&<>"':]/g, (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The icon of the page. */
export const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="none" stroke="#1f5fd1" stroke-width="2" stroke-linecap="round">' +
  '<path d="M2 4h12M2 8h8M2 12h10"/></svg>';
