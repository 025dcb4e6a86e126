/** Sends a file, and calls `show` with the percentage that the server has stored. */
export async function sendFile(server: string, file: Blob, show: (percent: number) => void): Promise<void> {
  const upload = `${server}/uploads/${crypto.randomUUID()}`;
  const progress = new EventSource(`${upload}/progress`);
  progress.addEventListener('progress', ({ data }) => show(JSON.parse(String(data)).percent));
  try {
    const response = await fetch(upload, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/octet-stream' },
      body: file,
    });
    if (!response.ok) throw new Error(`The upload failed with ${response.status}.`);
    show(100);
  } finally {
    progress.close();
  }
}
