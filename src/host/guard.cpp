#include "host/guard.hpp"

#include <utility>

#include "cleave/message.hpp"
#include "cleave/problem.hpp"
#include "io/fiber.hpp"
#include "observe/log.hpp"

namespace cleave::host {

Guard::Guard(std::string module, const cleave_host* inner)
    : module_(std::move(module)), inner_(inner) {
  host_ = {.size = sizeof(cleave_host),
           .self = this,
           .log = &log,
           .config = &config,
           .now = [](const cleave_host* host) { return of(host).inner_->now(of(host).inner_); },
           .deadline =
               [](const cleave_host* host) { return of(host).inner_->deadline(of(host).inner_); },
           .call = &call,
           .gather = &gather,
           .query = &query,
           // What ends something can only follow what began it: nothing to check.
           .rows_release =
               [](const cleave_host* host, const cleave_rows* rows) {
                 of(host).inner_->rows_release(of(host).inner_, rows);
               },
           .begin = &begin,
           .commit =
               [](const cleave_host* host, cleave_tx* tx, const cleave_error_sink* errors) {
                 return of(host).inner_->commit(of(host).inner_, tx, errors);
               },
           .rollback = [](const cleave_host* host,
                          cleave_tx* tx) { of(host).inner_->rollback(of(host).inner_, tx); },
           .cache_fetch = &cache_fetch,
           .cache_store = &cache_store,
           .query_batched = &query_batched};
}

std::string Guard::take_last_error() {
  const std::lock_guard lock(mutex_);
  return std::exchange(last_error_, {});
}

bool Guard::may_wait(const char* function) const noexcept {
  const bool open = open_.load(std::memory_order_acquire);
  if (open && io::Fiber::current() != nullptr) [[likely]] {
    return true;
  }
  log::error("host",
             open ? "a module called the host from a thread of its own; only the fiber that runs "
                    "handle() may wait"
                  : "a module called the host outside handle(); no waiting in create, start, stop "
                    "or destroy",
             {{"module", module_}, {"function", function}});
  return false;
}

bool Guard::may_wait(const char* function, const cleave_error_sink* errors) const noexcept {
  if (may_wait(function)) [[likely]] {
    return true;
  }
  const cleave_error error{sizeof error,
                           500,
                           raw("not-started"),
                           raw("A service asked for something while it was not answering."),
                           raw(""),
                           raw("")};
  errors->error(errors->self, &error);
  return false;
}

void Guard::log(const cleave_host* host, int level, cleave_view message) {
  const Guard& self = of(host);
  if (level >= CLEAVE_ERROR) {
    const std::lock_guard lock(self.mutex_);
    self.last_error_.assign(view(message).substr(0, 1024));
  }
  self.inner_->log(self.inner_, level, message);
}

int Guard::config(const cleave_host* host, cleave_view key, cleave_view* value) {
  return of(host).inner_->config(of(host).inner_, key, value);
}

void Guard::call(const cleave_host* host, cleave_view module, const cleave_request* request,
                 const cleave_sink* sink) {
  const Guard& self = of(host);
  if (self.may_wait("call")) [[likely]] {
    self.inner_->call(self.inner_, module, request, sink);
    return;
  }
  const Problem problem(500, "not-started",
                        "A service asked another while it was not answering a request.");
  write(problem.response({}), *sink);
}

void Guard::gather(const cleave_host* host, const cleave_task* tasks, std::size_t count) {
  const Guard& self = of(host);
  if (self.may_wait("gather")) [[likely]] {
    self.inner_->gather(self.inner_, tasks, count);
    return;
  }
  // gather() has no way to fail; what each task asks for is refused to it in turn.
  for (std::size_t i = 0; i < count; ++i) tasks[i].run(tasks[i].self);
}

const cleave_rows* Guard::query(const cleave_host* host, const cleave_query* query,
                                const cleave_error_sink* errors) {
  const Guard& self = of(host);
  if (!self.may_wait("query", errors)) return nullptr;
  return self.inner_->query(self.inner_, query, errors);
}

const cleave_rows* Guard::query_batched(const cleave_host* host, const cleave_query* query,
                                        const cleave_error_sink* errors) {
  const Guard& self = of(host);
  if (!self.may_wait("query_batched", errors)) return nullptr;
  return self.inner_->query_batched(self.inner_, query, errors);
}

cleave_tx* Guard::begin(const cleave_host* host, const cleave_error_sink* errors) {
  const Guard& self = of(host);
  if (!self.may_wait("begin", errors)) return nullptr;
  return self.inner_->begin(self.inner_, errors);
}

int Guard::cache_fetch(const cleave_host* host, cleave_view key, const cleave_loader* loader,
                       const cleave_entry_sink* out) {
  const Guard& self = of(host);
  if (!self.may_wait("cache_fetch")) return CLEAVE_CACHE_FAILED;
  return self.inner_->cache_fetch(self.inner_, key, loader, out);
}

int Guard::cache_store(const cleave_host* host, cleave_view key, const cleave_entry* entry) {
  const Guard& self = of(host);
  return self.may_wait("cache_store") ? self.inner_->cache_store(self.inner_, key, entry) : 1;
}

}  // namespace cleave::host
