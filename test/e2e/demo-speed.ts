/**
 * Import this before the demo, whose routes read it when their classes load: one second of the demo takes two
 * milliseconds.
 */
process.env['DEMO_SPEED'] = '500';
