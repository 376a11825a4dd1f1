/* The overlay: shows one creative at a time over a stream, and proves what was really on screen.

   It runs for hours inside OBS, unattended. So whatever goes wrong, the stage is cleared and it tries
   again later; nothing but a creative (or the test card) is ever visible on the stream. */
"use strict";

(() => {
  const BASE = location.pathname.replace(/\/+$/, "");

  const FLUSH_EVERY_MS = 3000;
  const BATCH_SIZE = 100; // The server takes 200; half of that keeps a request small on a poor uplink.
  const QUEUE_LIMIT = 500; // So many unsent deliveries mean that nobody counts them: showing more is pointless.
  const OUT_OF_ORDER_ATTEMPTS = 10;
  const RETRY_MS = [1000, 2000, 5000, 10000, 30000];
  const PAUSE_BETWEEN_MS = 500;
  const IDLE_MS = 1000;
  const LOAD_TIMEOUT_MS = 20000;
  const BROKEN_CREATIVE_MS = 60000;
  const TEST_CARD_MS = 8000;
  const SUPERSEDED_MS = 60000;
  const RENEW_BEFORE_MS = 60000;
  const HOUR_MS = 3600000;
  // The Date header has whole seconds: a smaller difference is not known to be one.
  const CLOCK_TOLERANCE_MS = 2000;
  // Frames come every 17 to 33 ms; after such a gap the picture stood still or was not painted at all.
  const LONGEST_FRAME_GAP_MS = 1500;

  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const retryDelay = (failures) => RETRY_MS[Math.min(failures, RETRY_MS.length - 1)];

  class Gone extends Error {}

  async function request(path, options = {}) {
    const response = await fetch(BASE + path, {
      cache: "no-store",
      credentials: "omit",
      referrerPolicy: "no-referrer",
      ...options,
    });
    if (response.status === 404 || response.status === 410) throw new Gone(`HTTP ${response.status}`);
    return response;
  }

  /* The server's time, as well as we know it, that never jumps while it runs. */
  class Clock {
    constructor() {
      this.origin = Date.now() - performance.now();
    }

    now() {
      return this.origin + performance.now();
    }

    at(performanceMs) {
      return new Date(Math.round(this.origin + performanceMs));
    }

    agreeWith(dateHeader, askedAt, answeredAt) {
      const server = Date.parse(dateHeader) + 500;
      if (Number.isNaN(server)) return;
      const offset = server - (this.origin + (askedAt + answeredAt) / 2);
      if (Math.abs(offset) > CLOCK_TOLERANCE_MS) this.origin += offset;
    }
  }

  /* Whether anybody can see the page: the document's own word, and OBS's for this source. */
  class Visibility extends EventTarget {
    constructor() {
      super();
      this.inObs = true;
      this.onAir = true;
      document.addEventListener("visibilitychange", () => this.changed());
      addEventListener("obsSourceVisibleChanged", (event) => {
        this.inObs = event.detail.visible !== false;
        this.changed();
      });
      addEventListener("obsSourceActiveChanged", (event) => {
        this.onAir = event.detail.active !== false;
        this.changed();
      });
    }

    get isVisible() {
      return document.visibilityState === "visible" && this.inObs && this.onAir;
    }

    changed() {
      this.dispatchEvent(new Event(this.isVisible ? "shown" : "hidden"));
    }

    async untilVisible() {
      while (!this.isVisible) {
        await new Promise((resolve) => this.addEventListener("shown", resolve, { once: true }));
      }
    }
  }

  const fromBase64url = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (character) => character.charCodeAt(0));

  const toBase64url = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, "-")
      .replace(/\//g, "_")
      .replace(/=+$/, "");

  /* One session's chain of proofs: each is an HMAC over the delivery and the proof before it. */
  class Session {
    static async open({ id, key, expires_at: expiresAt }) {
      const algorithm = { name: "HMAC", hash: "SHA-256" };
      const hmac = await crypto.subtle.importKey("raw", fromBase64url(key), algorithm, false, ["sign"]);
      return new Session(id, hmac, Date.parse(expiresAt));
    }

    constructor(id, key, expiresAt) {
      this.id = id;
      this.key = key;
      this.expiresAt = expiresAt;
      this.seq = 0;
      this.previous = id;
      this.last = Promise.resolve();
    }

    /* Deliveries are signed one after the other, in the order of the calls. */
    sign(showing) {
      this.last = this.last.then(() => this.signNext(showing));
      return this.last;
    }

    async signNext(showing) {
      const delivery = { id: crypto.randomUUID(), seq: this.seq + 1, ...showing };
      const lines = [
        this.previous,
        delivery.id,
        delivery.seq,
        delivery.participation_id,
        delivery.creative_id,
        delivery.started_at,
        delivery.ended_at,
        delivery.visible_ms,
      ];
      const text = new TextEncoder().encode(lines.join("\n"));
      delivery.proof = toBase64url(await crypto.subtle.sign("HMAC", this.key, text));
      this.seq = delivery.seq;
      this.previous = delivery.proof;
      return delivery;
    }
  }

  /* Deliveries that the server has not settled yet, in the order of their chains. */
  class Outbox {
    constructor(onRefused) {
      this.entries = [];
      this.failures = 0;
      this.notBefore = 0;
      this.sending = null;
      this.onRefused = onRefused;
    }

    get isFull() {
      return this.entries.length >= QUEUE_LIMIT;
    }

    add(sessionId, delivery) {
      this.entries.push({ sessionId, delivery, attempts: 0 });
    }

    /* Sends what there is; one request at a time. Failing is not an error: it is tried again later. */
    flush() {
      if (!this.sending && this.entries.length && performance.now() >= this.notBefore) {
        this.sending = this.send().finally(() => {
          this.sending = null;
        });
      }
      return this.sending ?? Promise.resolve();
    }

    async send() {
      const sessionId = this.entries[0].sessionId;
      const batch = this.entries.filter((entry) => entry.sessionId === sessionId).slice(0, BATCH_SIZE);
      try {
        const response = await post(sessionId, batch);
        if (response.status === 202) this.settle(batch, (await response.json()).refused);
        else if (worthRetrying(response.status)) throw new Error(`HTTP ${response.status}`);
        else this.forget(batch);
        this.failures = 0;
      } catch (error) {
        if (error instanceof Gone) this.forget(batch);
        this.notBefore = performance.now() + retryDelay(this.failures++);
      }
    }

    /* All but a gap is final: a replayed delivery is there already, a refused one stays refused. */
    settle(batch, refused) {
      const reasons = new Map(refused.map(({ id, reason }) => [id, reason]));
      const again = (entry) =>
        reasons.get(entry.delivery.id) === "out_of_order" && ++entry.attempts < OUT_OF_ORDER_ATTEMPTS;
      this.forget(batch.filter((entry) => !again(entry)));
      for (const reason of new Set(reasons.values())) this.onRefused(reason);
    }

    forget(batch) {
      const settled = new Set(batch);
      this.entries = this.entries.filter((entry) => !settled.has(entry));
    }
  }

  const post = (sessionId, batch) =>
    request("/deliveries", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ session_id: sessionId, deliveries: batch.map((entry) => entry.delivery) }),
      keepalive: true,
    });

  const worthRetrying = (status) => status >= 500 || status === 408 || status === 429;

  /* Whose turn it is: campaigns in turn, creatives of a campaign by weight, nobody above the caps. */
  class Rotation {
    constructor() {
      this.creatives = [];
      this.caps = new Map();
      this.credit = new Map();
      this.turns = new Map();
      this.shownAt = new Map();
      this.restingUntil = new Map();
    }

    load(manifest) {
      this.creatives = manifest.creatives;
      this.caps = new Map(manifest.rotation.map((turn) => [turn.participation_id, turn]));
    }

    next(now) {
      const ready = this.creatives.filter((creative) => this.isReady(creative, now));
      const turn = fewest(new Set(ready.map((creative) => creative.participation_id)), this.turns);
      const candidates = ready.filter((creative) => creative.participation_id === turn);
      return candidates.length ? this.byWeight(candidates) : null;
    }

    isReady(creative, now) {
      return (
        now >= (this.restingUntil.get(creative.creative_id) ?? 0) &&
        this.isWithinCaps(creative.participation_id, now)
      );
    }

    isWithinCaps(participation, now) {
      const caps = this.caps.get(participation) ?? {};
      const shown = this.shownAt.get(participation) ?? [];
      const lastHour = shown.filter((at) => at > now - HOUR_MS).length;
      const since = shown.length ? now - shown[shown.length - 1] : Infinity;
      return (
        since >= (caps.min_seconds_between ?? 0) * 1000 &&
        lastHour < (caps.max_per_hour ?? Infinity) &&
        // An hour without a showing begins a new stream.
        (since > HOUR_MS || shown.length < (caps.max_per_stream ?? Infinity))
      );
    }

    /* Smooth weighted round robin: weights 3 and 1 give A A B A, and not A A A B. */
    byWeight(candidates) {
      const total = candidates.reduce((sum, creative) => sum + (creative.weight ?? 1), 0);
      let best = null;
      for (const creative of candidates) {
        const credit = (this.credit.get(creative.creative_id) ?? 0) + (creative.weight ?? 1);
        this.credit.set(creative.creative_id, credit);
        if (!best || credit > this.credit.get(best.creative_id)) best = creative;
      }
      this.credit.set(best.creative_id, this.credit.get(best.creative_id) - total);
      return best;
    }

    shown(creative, now) {
      const participation = creative.participation_id;
      this.turns.set(participation, (this.turns.get(participation) ?? 0) + 1);
      const shown = this.shownAt.get(participation) ?? [];
      const isSameStream = shown.length && now - shown[shown.length - 1] <= HOUR_MS;
      this.shownAt.set(participation, [...(isSameStream ? shown : []), now]);
    }

    rest(creative, until) {
      this.restingUntil.set(creative.creative_id, until);
    }
  }

  function fewest(names, counts) {
    let best = null;
    for (const name of names) {
      if (best === null || (counts.get(name) ?? 0) < (counts.get(best) ?? 0)) best = name;
    }
    return best;
  }

  /* The only element that anything is shown in; it holds one thing or nothing. */
  class Stage {
    constructor(root) {
      this.root = root;
    }

    show(element) {
      this.root.replaceChildren(element);
    }

    clear() {
      this.root.replaceChildren();
    }
  }

  /* An element that is ready to be painted; nothing is on the page yet. */
  async function load(creative) {
    const element = creative.media === "video" ? await loadVideo(creative.urls) : await loadImage(creative.urls);
    element.classList.add("creative", creative.placement);
    element.dataset.creativeId = creative.creative_id;
    return element;
  }

  async function loadImage(urls) {
    for (const url of urls) {
      const image = new Image();
      image.alt = "";
      image.src = url;
      if (await Promise.race([image.decode().then(() => true, () => false), sleep(LOAD_TIMEOUT_MS)])) return image;
    }
    throw new Error("no image could be loaded");
  }

  function loadVideo(urls) {
    const video = document.createElement("video");
    Object.assign(video, { muted: true, playsInline: true, preload: "auto", src: urls[0] });
    return new Promise((resolve, reject) => {
      video.addEventListener("canplaythrough", () => resolve(video), { once: true });
      video.addEventListener("error", () => reject(new Error("the video could not be loaded")), { once: true });
      setTimeout(() => reject(new Error("the video took too long to load")), LOAD_TIMEOUT_MS);
      video.load();
    });
  }

  /* Counts what was painted, frame by frame, until `durationMs` are over, the video ends, the page is hidden,
     nothing is painted any more or `cut` is signalled. Resolves to the times of the first and the last frame. */
  function watch(element, durationMs, visibility, cut) {
    return new Promise((resolve) => {
      let first = null;
      let last = null;
      const finish = () => {
        visibility.removeEventListener("hidden", finish);
        cut.removeEventListener("abort", finish);
        element.removeEventListener("ended", finish);
        element.removeEventListener("error", finish);
        clearTimeout(stalled);
        cancelAnimationFrame(frame);
        resolve({ first, last });
      };
      const tick = (now) => {
        if (last !== null && now - last > LONGEST_FRAME_GAP_MS) return finish();
        first ??= now;
        last = now;
        clearTimeout(stalled);
        stalled = setTimeout(finish, LONGEST_FRAME_GAP_MS);
        if (last - first >= durationMs) return finish();
        frame = requestAnimationFrame(tick);
      };
      let stalled = setTimeout(finish, LONGEST_FRAME_GAP_MS);
      let frame = requestAnimationFrame(tick);
      visibility.addEventListener("hidden", finish);
      cut.addEventListener("abort", finish);
      element.addEventListener("ended", finish);
      element.addEventListener("error", finish);
      if (!visibility.isVisible || cut.aborted) finish();
    });
  }

  class Overlay {
    constructor(root) {
      this.clock = new Clock();
      this.visibility = new Visibility();
      this.rotation = new Rotation();
      this.stage = new Stage(root);
      this.outbox = new Outbox((reason) => this.refused(reason));
      this.session = null;
      this.isStale = true;
      this.isRevoked = false;
      this.isTestWanted = false;
      this.wasDeaf = false;
      this.supersededUntil = 0;
      this.failures = 0;
      this.cut = new AbortController();
      this.visibility.addEventListener("shown", () => {
        this.supersededUntil = 0;
      });
    }

    async run() {
      setInterval(() => this.outbox.flush(), FLUSH_EVERY_MS);
      addEventListener("pagehide", () => this.outbox.flush());
      this.listen();
      while (!this.isRevoked) {
        try {
          await this.step();
          this.failures = 0;
        } catch (error) {
          this.stage.clear();
          if (error instanceof Gone) this.revoke();
          else await sleep(retryDelay(this.failures++));
        }
      }
    }

    async step() {
      await this.visibility.untilVisible();
      this.cut = new AbortController();
      if (this.isTestWanted) return this.showTestCard();
      if (performance.now() < this.supersededUntil) return this.idle();
      if (this.needsRenewal()) await this.renew();
      const creative = this.outbox.isFull ? null : this.rotation.next(this.clock.now());
      return creative ? this.play(creative) : this.idle();
    }

    needsRenewal() {
      return this.isStale || !this.session || this.clock.now() > this.session.expiresAt - RENEW_BEFORE_MS;
    }

    /* What was shown under the old session is sent first: the new one may put an end to it. */
    async renew() {
      await this.outbox.flush();
      this.isStale = false;
      try {
        const askedAt = performance.now();
        const response = await request("/manifest");
        if (!response.ok) throw new Error(`HTTP ${response.status}`);
        this.clock.agreeWith(response.headers.get("Date"), askedAt, performance.now());
        await this.adopt(await response.json());
      } catch (error) {
        this.isStale = true;
        throw error;
      }
    }

    async adopt(manifest) {
      if (this.session?.id !== manifest.session.id) this.session = await Session.open(manifest.session);
      this.rotation.load(manifest);
    }

    async play(creative) {
      let element;
      try {
        element = await load(creative);
      } catch {
        this.rotation.rest(creative, this.clock.now() + BROKEN_CREATIVE_MS);
        return;
      }
      if (!this.visibility.isVisible || this.cut.signal.aborted) return;
      await this.present(creative, element);
      await sleep(PAUSE_BETWEEN_MS);
    }

    async present(creative, element) {
      const session = this.session;
      this.stage.show(element);
      try {
        if (element.play) await element.play();
        this.rotation.shown(creative, this.clock.now());
        const seen = await watch(element, creative.duration_s * 1000, this.visibility, this.cut.signal);
        await this.record(session, creative, seen);
      } finally {
        this.stage.clear();
      }
    }

    async record(session, creative, { first, last }) {
      const startedAt = this.clock.at(first);
      const endedAt = this.clock.at(last);
      if (endedAt <= startedAt) return;
      const delivery = await session.sign({
        participation_id: creative.participation_id,
        creative_id: creative.creative_id,
        started_at: startedAt.toISOString(),
        ended_at: endedAt.toISOString(),
        // Both times are rounded: the time that was seen must not come out longer than what lies between them.
        visible_ms: Math.min(Math.floor(last - first), endedAt - startedAt),
      });
      this.outbox.add(session.id, delivery);
    }

    refused(reason) {
      if (reason === "superseded_session") this.supersededUntil = performance.now() + SUPERSEDED_MS;
      if (reason !== "replayed" && reason !== "out_of_order") this.isStale = true;
    }

    async showTestCard() {
      this.isTestWanted = false;
      const card = document.createElement("div");
      card.className = "test-card";
      const title = document.createElement("strong");
      title.textContent = "The overlay works";
      card.append(title, "Sponsored messages will appear on this canvas.");
      this.stage.show(card);
      await this.wait(TEST_CARD_MS);
      this.stage.clear();
    }

    idle() {
      return this.wait(IDLE_MS);
    }

    /* Sleeps, unless something happens first. */
    wait(ms) {
      const signal = this.cut.signal;
      const cut = new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      return Promise.race([sleep(ms), cut]);
    }

    listen() {
      if (this.isRevoked) return;
      const source = new EventSource(`${BASE}/events`);
      source.addEventListener("open", () => {
        // What happened while nobody listened is unknown.
        if (this.wasDeaf) this.changed();
        this.wasDeaf = false;
      });
      source.addEventListener("error", () => {
        this.wasDeaf = true;
        // The browser connects again by itself, except after an answer that was no event stream.
        if (source.readyState === EventSource.CLOSED) setTimeout(() => this.listen(), RETRY_MS[RETRY_MS.length - 1]);
      });
      source.addEventListener("manifest_changed", () => this.changed());
      source.addEventListener("show_test", () => this.test());
      source.addEventListener("revoked", () => {
        source.close();
        this.revoke();
      });
    }

    changed() {
      this.isStale = true;
      this.cut.abort();
    }

    test() {
      this.isTestWanted = true;
      this.cut.abort();
    }

    revoke() {
      this.isRevoked = true;
      this.cut.abort();
      this.stage.clear();
    }
  }

  new Overlay(document.getElementById("stage")).run();
})();
