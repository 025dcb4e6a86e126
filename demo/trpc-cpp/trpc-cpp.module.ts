import { Module } from '@nestjs/common';
import { TrpcCppController } from './trpc-cpp.controller.js';

/** The streaming example of an RPC framework: ten events, and a client program that prints them. */
@Module({ controllers: [TrpcCppController] })
export class TrpcCppModule {}
