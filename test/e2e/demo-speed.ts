/** To be imported before the demo, whose routes read it with their classes: a second of it lasts two milliseconds. */
process.env['DEMO_SPEED'] = '500';
