/** Whether the application runs in production, by the convention of Node servers. Asked at start-up, not when this loads. */
export function inProduction(): boolean {
  return process.env['NODE_ENV'] === 'production';
}
