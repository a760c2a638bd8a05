// A module without glue that misbehaves as its configuration key `how` says: everything that a
// module written in another language, or built badly, can do at run time.
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

#include "cleave/abi.h"

namespace {

cleave_view text(const char* bytes) {
  return {bytes, std::strlen(bytes)};
}

struct Rude {
  const cleave_host* host;
  std::string how;
};

bool has_rows(const cleave_host* host) {
  const cleave_query query{sizeof query, text("SELECT 1"), nullptr, 0, nullptr};
  const cleave_error_sink errors{nullptr, [](void*, const cleave_error*) {}};
  const cleave_rows* rows = host->query(host, &query, &errors);
  if (rows != nullptr) host->rows_release(host, rows);
  return rows != nullptr;
}

void throw_if(const std::string& how, const char* step) {
  if (how == std::string("throw in ") + step) {
    throw std::runtime_error(std::string("thrown in ") + step);
  }
  if (how == std::string("throw a number in ") + step) throw 7;
}

void* create(const cleave_host* host) {
  cleave_view how{"", 0};
  host->config(host, text("how"), &how);
  auto* self = new Rude{host, std::string(how.data, how.size)};
  if (self->how == "null in create" || self->how == "throw in create" ||
      self->how == "throw a number in create") {
    const std::string wanted = self->how;
    delete self;
    throw_if(wanted, "create");
    host->log(host, CLEAVE_ERROR, text("the moon is in the wrong house"));
    return nullptr;
  }
  if (self->how == "query in create" && has_rows(host)) std::abort();
  return self;
}

int start(void* raw) {
  auto& self = *static_cast<Rude*>(raw);
  throw_if(self.how, "start");
  if (self.how != "refuse in start") return 0;
  self.host->log(self.host, CLEAVE_ERROR, text("max_quantity is no number"));
  return 3;
}

int ready(void* raw) {
  throw_if(static_cast<Rude*>(raw)->how, "ready");
  return static_cast<Rude*>(raw)->how != "not ready";
}

void answer(const cleave_sink* sink, int status, const char* body) {
  sink->status(sink->self, status);
  sink->header(sink->self, text("Content-Type"), text("text/plain"));
  sink->body(sink->self, text(body));
}

void handle(void* raw, const cleave_request* request, const cleave_sink* sink) {
  auto& self = *static_cast<Rude*>(raw);
  if (self.how == "no answer") return;
  if (self.how == "blocks") usleep(200 * 1000);
  if (self.how == "body before status") return sink->body(sink->self, text("early"));
  if (self.how == "status 42") return answer(sink, 42, "?");
  if (self.how == "status 101") return answer(sink, 101, "?");
  if (self.how == "query" && !has_rows(self.host)) return answer(sink, 503, "no rows");
  answer(sink, 200, "first");
  throw_if(self.how, "handle");
  if (self.how == "answers twice") answer(sink, 201, "second");
  if (self.how == "header with CRLF") {
    sink->header(sink->self, text("X-Name"), text("a\r\nSet-Cookie: b"));
  }
  if (self.how == "header without name") sink->header(sink->self, text(""), text("x"));
  if (self.how == "header with a space") sink->header(sink->self, text("X Name"), text("x"));
  if (self.how == "who") {
    sink->body(sink->self, request->request_id);
    sink->body(sink->self, request->caller);
  }
}

int background(void* raw) {
  auto& self = *static_cast<Rude*>(raw);
  throw_if(self.how, "background");
  if (self.how.find("background") == std::string::npos) return 0;
  self.host->log(self.host, CLEAVE_INFO, text("round"));
  if (self.how == "slow background" && has_rows(self.host)) std::abort();
  return self.how == "failing background" ? 1 : 0;
}

void stop(void* raw) {
  auto& self = *static_cast<Rude*>(raw);
  self.host->log(self.host, CLEAVE_INFO, text("stopped"));
  throw_if(self.how, "stop");
}

void destroy(void* raw) {
  const Rude self = *static_cast<Rude*>(raw);
  delete static_cast<Rude*>(raw);
  self.host->log(self.host, CLEAVE_INFO, text("destroyed"));
  throw_if(self.how, "destroy");
}

const char* const kNone[] = {nullptr};
const char* const kConfig[] = {"how", nullptr};
const cleave_module kModule = {CLEAVE_MAGIC,
                               CLEAVE_ABI,
                               sizeof(cleave_module),
                               0,
                               "rude",
                               "1.0.0",
                               "/rude",
                               kNone,
                               kConfig,
                               create,
                               start,
                               ready,
                               handle,
                               stop,
                               destroy,
                               background,
                               10};

}  // namespace

extern "C" CLEAVE_EXPORT const cleave_module* cleave_module_v1() {
  return &kModule;
}
