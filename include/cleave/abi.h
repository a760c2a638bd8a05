/* The seam between the Cleave host and a service module: plain C11, all that both sides share.
 *
 * A module is a shared library that exports one symbol, cleave_module_v1. The host hands it a
 * cleave_host, and through that everything it may touch: its own database, its cache, its peers,
 * its log, its configuration, the clock. A module opens no socket, no file and no thread.
 *
 * Four rules hold everywhere:
 *  1. No memory changes owner. A cleave_view is borrowed until the call that got it returns;
 *     answers leave through a sink that the caller provides; handles go back to who made them.
 *  2. No exception crosses, in either direction.
 *  3. Structs only grow at their end; `size` says how much of one the other side knows.
 *  4. The clause that ends a comment says who may call, and in which state of the lifecycle:
 *     created -> started -> (draining) -> stopped. "fiber": may suspend; other requests run.
 *
 * C++ authors want module.hpp, which wraps all of this.
 */
#ifndef CLEAVE_ABI_H
#define CLEAVE_ABI_H

#include "cleave/abi_types.h"

#define CLEAVE_MAGIC 0x434c4556u /* "CLEV" */
#define CLEAVE_ABI 1u            /* raised when an existing field changes its meaning */

/* What a module may do. Lives until destroy() has returned; the struct is append-only. */
typedef struct cleave_host {
  uint32_t size;
  void* self;
  /* One line; control characters are escaped. [any thread, concurrent; from create on] */
  void (*log)(const struct cleave_host*, int level, cleave_view message);
  /* A key of the module's config_keys; 0 when it has no value. The view lives as long as the
   * host. [any thread, concurrent; from create on] */
  int (*config)(const struct cleave_host*, cleave_view key, cleave_view* value);
  /* Wall clock, microseconds since 1970 (UTC). [any thread, concurrent; from create on] */
  int64_t (*now)(const struct cleave_host*);
  /* Milliseconds the request at hand may still take; 0 when it is too late. [fiber; started] */
  int64_t (*deadline)(const struct cleave_host*);
  /* Asks another module, wherever it lives. Always answers: a peer that is missing, late or not
   * declared in depends_on gives a 5xx problem. [fiber; started] */
  void (*call)(const struct cleave_host*, cleave_view module, const cleave_request*,
               const cleave_sink*);
  /* Runs the tasks side by side, returns when all have ended. [fiber; started] */
  void (*gather)(const struct cleave_host*, const cleave_task* tasks, size_t count);
  /* One statement in the module's own database. NULL after exactly one error(). Statements that
   * wait at the same time share a round trip, as if each had run alone. [fiber; started] */
  const cleave_rows* (*query)(const struct cleave_host*, const cleave_query*,
                              const cleave_error_sink*);
  /* Gives rows back. [the fiber that queried] */
  void (*rows_release)(const struct cleave_host*, const cleave_rows*);
  /* A transaction; NULL after error(). Must be given to commit or rollback. [fiber; started] */
  cleave_tx* (*begin)(const struct cleave_host*, const cleave_error_sink*);
  /* 0 when durable; otherwise after error(): nothing, or an unknown outcome, was committed. */
  int (*commit)(const struct cleave_host*, cleave_tx*, const cleave_error_sink*);
  void (*rollback)(const struct cleave_host*, cleave_tx*);
  /* Cache-aside read: gives one entry to `out` and returns CLEAVE_CACHE_*; on a miss one caller
   * a key runs the loader, the others wait. FAILED only when the loader failed: a dead cache
   * costs a load, never an error. [fiber; started] */
  int (*cache_fetch)(const struct cleave_host*, cleave_view key, const cleave_loader*,
                     const cleave_entry_sink* out);
  /* After a commit: stores the entry unless a newer one is there. 0 when the cache has heard of it,
   * or there is none; otherwise the host tells it later, if it lives. [fiber; started] */
  int (*cache_store)(const struct cleave_host*, cleave_view key, const cleave_entry*);
  /* As query(), outside a transaction, for a statement that is written for many at once: each of
   * its parameters is an array ("$1::bigint[]"), in which the host puts what all who wait gave, an
   * element each. A row is for the one that its column "ordinality" counts (1, 2 ...; PostgreSQL's
   * name for it: unnest(...) WITH ORDINALITY), or for all whose first value, as text, is that of
   * its column "key"; at most one row each. Without these columns the result has one row for each,
   * in order. [fiber; started] */
  const cleave_rows* (*query_batched)(const struct cleave_host*, const cleave_query*,
                                      const cleave_error_sink*);
} cleave_host;

/* What a library exports. Fields up to `size` keep their place for ever. */
typedef struct cleave_module {
  uint32_t magic;                 /* CLEAVE_MAGIC */
  uint32_t abi;                   /* CLEAVE_ABI */
  uint32_t size;                  /* sizeof(cleave_module) */
  uint32_t flags;                 /* 0 */
  const char* name;               /* [a-z][a-z0-9_]{0,30} */
  const char* version;            /* "1.2.0" */
  const char* path;               /* public prefix, "/users"; NULL: internal only */
  const char* const* depends_on;  /* NULL-terminated; the only modules call() reaches */
  const char* const* config_keys; /* NULL-terminated, lower case: "max_quantity" */
  /* Makes the instance; no I/O. NULL refuses, after log(ERROR) has said why. [main] */
  void* (*create)(const cleave_host*);
  /* Dependencies first; quick; never waits for a database. Non-zero refuses. [main] */
  int (*start)(void* self);
  /* Non-zero while it can serve. [any thread, concurrent; started] */
  int (*ready)(void* self);
  /* One request, one answer. [fiber, concurrent on several threads; started] */
  void (*handle)(void* self, const cleave_request*, const cleave_sink*);
  /* Dependants first; also after a start that failed. No handle() is running. [main] */
  void (*stop)(void* self);
  void (*destroy)(void* self); /* [main; stopped or never started] */

  /* The end of the smallest struct that hosts take. */

  /* Work that no request asks for, such as what a crash left half done: background_ms after the
   * start, and after it has returned. Non-zero: it could not be done; the next time is later, and
   * later each time. One at a time in a process, but in several processes at once. May not call().
   * NULL: none. [fiber, concurrent with handle(); started] */
  int (*background)(void* self);
  uint32_t background_ms; /* 10 to 3600000 */
} cleave_module;

/* The one exported symbol. Returns a constant that lives as long as the process. [main] */
typedef const cleave_module* (*cleave_module_v1_fn)(void);
#define CLEAVE_EXPORT __attribute__((visibility("default")))

#endif
