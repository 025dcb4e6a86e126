export { eventLogContract } from 'nestjs-event-stream/testing';
