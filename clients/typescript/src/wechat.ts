/** WeChat mini programs have `wx.request` and `wx.connectSocket` where browsers have `fetch` and `WebSocket`. */

import type { Post } from "./asking.ts";

/** As much of `wx` as is needed; the mini program's own types fit. */
export interface WeChat {
  request(options: {
    url: string;
    method: "POST";
    header: Record<string, string>;
    data: string;
    dataType: string;
    responseType: "text";
    timeout: number;
    success(answer: { statusCode: number; data: unknown }): void;
    fail(problem: { errMsg: string }): void;
  }): unknown;
  connectSocket(options: { url: string; protocols: string[]; fail(problem: { errMsg: string }): void }): SocketTask;
}

export interface SocketTask {
  send(options: { data: string }): void;
  close(options: { code?: number; reason?: string }): void;
  onOpen(listener: () => void): void;
  onMessage(listener: (message: { data: string | ArrayBuffer }) => void): void;
  onClose(listener: (event: { code: number; reason: string }) => void): void;
  onError(listener: (problem: { errMsg: string }) => void): void;
}

/** Posts with `wx.request`. */
export function weChatPost(wx: WeChat, patience = 20_000): Post {
  return (url, header, data) =>
    new Promise((resolve, reject) => {
      wx.request({
        url,
        method: "POST",
        header,
        data,
        dataType: "text", // otherwise it tries to read JSON by itself
        responseType: "text",
        timeout: patience,
        success: ({ statusCode, data: body }) => resolve({ status: statusCode, body: String(body) }),
        fail: ({ errMsg }) => reject(new Error(errMsg)),
      });
    });
}

/** A `webSocketImpl` that goes through `wx.connectSocket`, with as much of a `WebSocket` as graphql-ws uses. */
export function weChatSocket(wx: WeChat): unknown {
  return class {
    static readonly CONNECTING = 0;
    static readonly OPEN = 1;
    static readonly CLOSING = 2;
    static readonly CLOSED = 3;

    readyState = 0;
    onopen: (() => void) | null = null;
    onmessage: ((event: { data: string }) => void) | null = null;
    onclose: ((event: { code: number; reason: string }) => void) | null = null;
    onerror: ((problem: unknown) => void) | null = null;
    private readonly task: SocketTask;

    constructor(url: string, protocol: string) {
      const fail = ({ errMsg }: { errMsg: string }): void => this.end(() => this.onerror?.(new Error(errMsg)));
      this.task = wx.connectSocket({ url, protocols: [protocol], fail });
      this.task.onError(fail);
      this.task.onClose(({ code, reason }) => this.end(() => this.onclose?.({ code, reason })));
      this.task.onMessage(({ data }) => this.onmessage?.({ data: String(data) }));
      this.task.onOpen(() => {
        this.readyState = 1;
        this.onopen?.();
      });
    }

    send(data: string): void {
      this.task.send({ data });
    }

    close(code?: number, reason?: string): void {
      if (this.readyState >= 2) return;
      this.readyState = 2;
      this.task.close({ ...(code === undefined ? {} : { code }), ...(reason === undefined ? {} : { reason }) });
    }

    /** An error and a close may both come of one end: whoever is told twice takes the second for the next socket's. */
    private end(tell: () => void): void {
      if (this.readyState === 3) return;
      this.readyState = 3;
      tell();
    }
  };
}
