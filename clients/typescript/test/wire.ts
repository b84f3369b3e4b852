/** Sockets for Node, and a line between a phone and the server that can be cut, frozen, or made to lose an answer. */

import { type AddressInfo, type Server, type Socket, connect, createServer } from "node:net";
import WebSocket from "ws";

/** `ws` throws where nobody listens for the error of a socket that is given up before it is open. */
export class NodeSocket extends WebSocket {
  constructor(url: string, protocol: string) {
    super(url, protocol);
    this.on("error", () => undefined);
  }
}

interface Pair {
  phone: Socket;
  server: Socket;
  isFrozen: boolean;
  isLosing: boolean;
}

export class Wire {
  private readonly listening: Server;
  private readonly pairs = new Set<Pair>();
  private isOff = false;
  private lost: string | undefined;
  /** What phones sent, in pieces. */
  readonly sent: string[] = [];

  private constructor(port: number) {
    this.listening = createServer((phone) => this.join(phone, port));
  }

  static async to(port: number): Promise<Wire> {
    const wire = new Wire(port);
    await new Promise<void>((resolve) => wire.listening.listen(0, "127.0.0.1", resolve));
    return wire;
  }

  get port(): number {
    return (this.listening.address() as AddressInfo).port;
  }

  /** Break every connection; new ones can be made. */
  cut(): void {
    for (const pair of this.pairs) this.part(pair);
  }

  /** No net: what there is breaks, and nothing new is made until `on`. */
  off(): void {
    this.isOff = true;
    this.cut();
  }

  on(): void {
    this.isOff = false;
  }

  /** From now on nothing gets through what is connected, and nobody is told: what a phone leaves that changes nets. */
  freeze(): void {
    for (const pair of this.pairs) pair.isFrozen = true;
  }

  /** Let the next request with these words through, and lose what the server answers. */
  loseAnswerTo(words: string): void {
    this.lost = words;
  }

  /** How often words were sent. */
  count(words: string): number {
    return this.sent.filter((piece) => piece.includes(words)).length;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.listening.close(resolve));
  }

  private join(phone: Socket, port: number): void {
    if (this.isOff) {
      phone.destroy();
      return;
    }
    const pair: Pair = { phone, server: connect(port, "127.0.0.1"), isFrozen: false, isLosing: false };
    this.pairs.add(pair);
    phone.on("data", (piece: Buffer) => {
      const text = piece.toString();
      this.sent.push(text);
      if (this.lost !== undefined && text.includes(this.lost)) {
        pair.isLosing = true;
        this.lost = undefined;
      }
      if (!pair.isFrozen) pair.server.write(piece);
    });
    pair.server.on("data", (piece: Buffer) => {
      if (pair.isLosing) this.part(pair);
      else if (!pair.isFrozen) phone.write(piece);
    });
    for (const end of [phone, pair.server]) {
      end.on("error", () => this.part(pair));
      end.on("close", () => this.part(pair));
    }
  }

  private part(pair: Pair): void {
    this.pairs.delete(pair);
    pair.phone.destroy();
    pair.server.destroy();
  }
}
