/* The values that cross the seam (abi.h): views, requests, answers, rows, cache entries. C11. */
#ifndef CLEAVE_ABI_TYPES_H
#define CLEAVE_ABI_TYPES_H

#include <stddef.h>
#include <stdint.h>

/* Bytes, not terminated, borrowed. data == NULL is SQL NULL or "absent". */
typedef struct cleave_view {
  const char* data;
  size_t size;
} cleave_view;
typedef struct cleave_header {
  cleave_view name, value;
} cleave_header;

typedef struct cleave_request {
  uint32_t size;
  cleave_view method; /* "GET"; HEAD reaches a module as GET */
  cleave_view path;   /* as sent, percent-encoded, without the query: "/users/7" */
  cleave_view query;  /* without '?' */
  cleave_view body;   /* already de-chunked */
  const cleave_header* headers;
  size_t header_count;
  cleave_view request_id; /* set by the host; ignored in a call() */
  cleave_view caller;     /* the calling module, empty from outside; ignored in a call() */
} cleave_request;

/* Where an answer goes: status once, then headers, then body chunks (appended). */
typedef struct cleave_sink {
  void* self;
  void (*status)(void* self, int status);
  void (*header)(void* self, cleave_view name, cleave_view value);
  void (*body)(void* self, cleave_view chunk);
} cleave_sink;

/* Why the host could not do it, ready to be answered as RFC 9457 problem+json. */
typedef struct cleave_error {
  uint32_t size;
  int status;             /* 409, 422, 503, 504 ... */
  cleave_view slug;       /* "conflict" -> type /problems/conflict */
  cleave_view title;      /* one sentence, safe to show to a client */
  cleave_view sqlstate;   /* "23505"; empty when the database did not say */
  cleave_view constraint; /* "users_email_key"; empty when none */
} cleave_error;
typedef struct cleave_error_sink {
  void* self;
  void (*error)(void* self, const cleave_error* error);
} cleave_error_sink;

/* Rows are text, as PostgreSQL prints them. Owned by the host until rows_release. */
typedef struct cleave_rows {
  uint32_t size;
  size_t rows, columns;
  uint64_t affected; /* rows written by INSERT, UPDATE, DELETE */
  cleave_view (*value)(const struct cleave_rows* rows, size_t row, size_t column);
  /* Not 0: others who asked the same at the same time got these very rows, under this number, which
   * no other rows have on this thread. What was made of them once need not be made again. */
  uint64_t shared;
} cleave_rows;

typedef struct cleave_tx cleave_tx; /* an open transaction: owns a connection, ends or is ended */

typedef struct cleave_query {
  uint32_t size;
  cleave_view sql;           /* $1, $2 ...; prepared once a connection */
  const cleave_view* params; /* text; data == NULL is NULL */
  size_t param_count;
  cleave_tx* tx; /* NULL: autocommit */
} cleave_query;

/* A cached value. `version` orders all writes of one key: only a newer one is stored. */
enum { CLEAVE_VALUE = 0, CLEAVE_GONE = 1 /* known not to exist */, CLEAVE_FLOOR = 2 /* reload */ };
typedef struct cleave_entry {
  int64_t version;
  int kind;
  cleave_view body;
} cleave_entry;
typedef struct cleave_entry_sink {
  void* self;
  void (*entry)(void* self, const cleave_entry* entry);
} cleave_entry_sink;
/* Reads the truth: gives exactly one entry to `out` and returns 0, or returns non-zero. */
typedef struct cleave_loader {
  void* self;
  int (*load)(void* self, const cleave_entry_sink* out);
} cleave_loader;
enum {
  CLEAVE_CACHE_FAILED = -1,
  CLEAVE_CACHE_HIT,
  CLEAVE_CACHE_MISS,
  CLEAVE_CACHE_STALE,
  CLEAVE_CACHE_OFF
};

typedef struct cleave_task {
  void (*run)(void* self);
  void* self;
} cleave_task;
enum { CLEAVE_DEBUG, CLEAVE_INFO, CLEAVE_WARN, CLEAVE_ERROR };

#endif
