/* A service in plain C, to learn the seam from: no C++ on this side of it.
 *
 *   GET /c            {"greeting":"hello from C"}
 *   GET /c/user       what the module `user` answers to GET /users/1, passed on
 *   GET /c/count      {"rows":<how many rows its table has>}
 *
 * The three rules that matter are all visible here: a view is not terminated, an answer is status,
 * then headers, then body, and what the host gave (rows) goes back to the host.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleave/abi.h"

typedef struct service {
  const cleave_host* host;
} service;

static cleave_view text(const char* terminated) {
  cleave_view view = {terminated, strlen(terminated)};
  return view;
}

static int equal(cleave_view view, const char* terminated) {
  return view.size == strlen(terminated) && memcmp(view.data, terminated, view.size) == 0;
}

static void answer(const cleave_sink* sink, int status, const char* type, cleave_view body) {
  sink->status(sink->self, status);
  sink->header(sink->self, text("Content-Type"), text(type));
  sink->body(sink->self, body);
}

/* The host says why a statement failed through this; the answer is made from it at once, while
 * its views are alive. */
static void answer_error(void* self, const cleave_error* error) {
  const cleave_sink* sink = self;
  answer(sink, error->status, "text/plain", error->title);
}

/* A neighbour's answer comes out of a sink of ours; this one hands each part on as it is. */
static void ask_user(const service* self, const cleave_sink* sink) {
  cleave_request request = {0};
  request.size = sizeof request;
  request.method = text("GET");
  request.path = text("/users/1");
  self->host->call(self->host, text("user"), &request, sink);
}

static void count_rows(const service* self, const cleave_sink* sink) {
  cleave_query query = {0};
  query.size = sizeof query;
  query.sql = text("SELECT count(*) FROM visits");
  cleave_error_sink errors = {(void*)sink, answer_error};
  const cleave_rows* rows = self->host->query(self->host, &query, &errors);
  if (rows == NULL) return; /* answer_error has answered */
  const cleave_view count = rows->value(rows, 0, 0);
  char body[64];
  const int size = snprintf(body, sizeof body, "{\"rows\":%.*s}", (int)count.size, count.data);
  self->host->rows_release(self->host, rows);
  cleave_view view = {body, (size_t)size};
  answer(sink, 200, "application/json", view);
}

static void* create(const cleave_host* host) {
  service* self = malloc(sizeof *self);
  if (self == NULL) {
    host->log(host, CLEAVE_ERROR, text("no memory"));
    return NULL;
  }
  self->host = host;
  return self;
}

static int start(void* self) {
  (void)self;
  return 0;
}

static int ready(void* self) {
  (void)self;
  return 1;
}

static void handle(void* raw, const cleave_request* request, const cleave_sink* sink) {
  const service* self = raw;
  if (!equal(request->method, "GET")) {
    answer(sink, 405, "text/plain", text("only GET"));
  } else if (equal(request->path, "/c")) {
    answer(sink, 200, "application/json", text("{\"greeting\":\"hello from C\"}"));
  } else if (equal(request->path, "/c/user")) {
    ask_user(self, sink);
  } else if (equal(request->path, "/c/count")) {
    count_rows(self, sink);
  } else {
    answer(sink, 404, "text/plain", text("nothing here"));
  }
}

static void stop(void* self) {
  (void)self;
}

static void destroy(void* self) {
  free(self);
}

static const char* const depends_on[] = {"user", NULL};
static const char* const config_keys[] = {NULL};

static const cleave_module module = {
    .magic = CLEAVE_MAGIC,
    .abi = CLEAVE_ABI,
    .size = sizeof(cleave_module),
    .name = "c_module",
    .version = "1.0.0",
    .path = "/c",
    .depends_on = depends_on,
    .config_keys = config_keys,
    .create = create,
    .start = start,
    .ready = ready,
    .handle = handle,
    .stop = stop,
    .destroy = destroy,
};

CLEAVE_EXPORT const cleave_module* cleave_module_v1(void) {
  return &module;
}
