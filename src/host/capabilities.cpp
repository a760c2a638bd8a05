#include "host/capabilities.hpp"

#include <algorithm>
#include <chrono>
#include <vector>

#include "cleave/message.hpp"
#include "cleave/problem.hpp"
#include "observe/log.hpp"
#include "postgres/rows.hpp"

// The handle that a module holds for an open transaction.
struct cleave_tx {
  std::unique_ptr<cleave::postgres::Transaction> transaction;
};

namespace cleave::host {
namespace {

using router::CallContext;

/// Outside a request (a module that asks in start()) there is no context, and no reason to wait
/// for ever either.
io::TimePoint deadline_here() {
  const CallContext* context = CallContext::current();
  return context != nullptr ? context->scope.deadline : io::Clock::now() + io::Millis(1000);
}

/// A span of the request's timeline for one wait of the module.
class Wait {
 public:
  Wait(const std::string& module, observe::SpanKind kind) : context_(CallContext::current()) {
    if (context_ != nullptr) span_ = context_->scope.timeline.open(module, kind, context_->span);
  }
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;
  ~Wait() {
    if (context_ != nullptr) context_->scope.timeline.close(span_);
  }

 private:
  CallContext* context_;
  std::uint8_t span_ = observe::Timeline::kNone;
};

void tell(const cleave_error_sink* sink, const postgres::Error& error) {
  cleave_error raw_error = {};
  raw_error.size = sizeof raw_error;
  raw_error.status = error.status;
  raw_error.slug = raw(error.slug);
  raw_error.title = raw(error.title);
  raw_error.sqlstate = raw(error.sqlstate);
  raw_error.constraint = raw(error.constraint);
  sink->error(sink->self, &raw_error);
}

const postgres::Error& no_database() {
  static const auto& error =
      *new postgres::Error{500, "no-database", "This service has no database.", "", ""};
  return error;
}

Request from_raw(const cleave_request& request) {
  return {.method = view(request.method),
          .path = view(request.path),
          .query = view(request.query),
          .body = view(request.body),
          .headers = {request.headers, request.header_count}};
}

}  // namespace

Capabilities::Capabilities(std::string module, router::Router& router, postgres::Database* database,
                           redis::Redis* redis,
                           std::map<std::string, std::string, std::less<>> config)
    : module_(std::move(module)), router_(router), database_(database), config_(std::move(config)) {
  if (redis != nullptr) cache_ = std::make_unique<redis::Cache>(*redis, module_);
  host_ = {.size = sizeof(cleave_host),
           .self = this,
           .log = &log,
           .config = &Capabilities::config,
           .now = &now,
           .deadline = &deadline,
           .call = &call,
           .gather = &gather,
           .query = &query,
           .rows_release = &rows_release,
           .begin = &begin,
           .commit = &commit,
           .rollback = &rollback,
           .cache_fetch = &cache_fetch,
           .cache_store = &cache_store,
           .query_batched = &query_batched};
}

void Capabilities::log(const cleave_host* host, int level, cleave_view message) {
  const int known =
      std::clamp(level, static_cast<int>(CLEAVE_DEBUG), static_cast<int>(CLEAVE_ERROR));
  log::write(static_cast<log::Level>(known), of(host).module_, view(message));
}

int Capabilities::config(const cleave_host* host, cleave_view key, cleave_view* value) {
  const auto& config = of(host).config_;
  const auto found = config.find(view(key));
  if (found == config.end()) return 0;
  *value = raw(found->second);
  return 1;
}

std::int64_t Capabilities::now(const cleave_host*) {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

std::int64_t Capabilities::deadline(const cleave_host*) {
  const auto left = std::chrono::duration_cast<io::Millis>(deadline_here() - io::Clock::now());
  return std::max<std::int64_t>(left.count(), 0);
}

void Capabilities::call(const cleave_host* host, cleave_view module, const cleave_request* request,
                        const cleave_sink* sink) {
  Capabilities& self = of(host);
  Response response;
  if (CallContext* context = CallContext::current()) {
    Request asked = from_raw(*request);
    // "/users?limit=1" means the same in this process as it would on the wire.
    if (const std::size_t mark = asked.path.find('?'); mark != std::string_view::npos) {
      if (asked.query.empty()) asked.query = asked.path.substr(mark + 1);
      asked.path = asked.path.substr(0, mark);
    }
    self.router_.dispatch(view(module), asked, *context, response);
  } else {
    response =
        Problem(500, "no-request", "Services call each other only while they answer.").response({});
  }
  write(response, *sink);
}

void Capabilities::gather(const cleave_host*, const cleave_task* tasks, std::size_t count) {
  std::vector<std::function<void()>> work;
  work.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    work.emplace_back([task = &tasks[i]] { task->run(task->self); });
  }
  io::gather(work);
}

const cleave_rows* Capabilities::query(const cleave_host* host, const cleave_query* query,
                                       const cleave_error_sink* errors) {
  return of(host).ask({view(query->sql), query->params, query->param_count},
                      query->tx != nullptr ? query->tx->transaction.get() : nullptr, errors);
}

const cleave_rows* Capabilities::query_batched(const cleave_host* host, const cleave_query* query,
                                               const cleave_error_sink* errors) {
  return of(host).ask({view(query->sql), query->params, query->param_count, true}, nullptr, errors);
}

const cleave_rows* Capabilities::ask(const postgres::Statement& statement,
                                     postgres::Transaction* transaction,
                                     const cleave_error_sink* errors) {
  if (database_ == nullptr) {
    tell(errors, no_database());
    return nullptr;
  }
  const Wait wait(module_, observe::SpanKind::kDatabase);
  postgres::Result result = transaction != nullptr ? transaction->query(statement, deadline_here())
                                                   : database_->query(statement, deadline_here());
  if (!result.ok()) {
    tell(errors, result.error);
    return nullptr;
  }
  return postgres::make_rows(std::move(result));
}

void Capabilities::rows_release(const cleave_host*, const cleave_rows* rows) {
  postgres::release_rows(rows);
}

cleave_tx* Capabilities::begin(const cleave_host* host, const cleave_error_sink* errors) {
  Capabilities& self = of(host);
  postgres::Error error = no_database();
  if (self.database_ != nullptr) {
    const Wait wait(self.module_, observe::SpanKind::kDatabase);
    if (auto transaction = self.database_->begin(deadline_here(), error)) {
      return new cleave_tx{std::move(transaction)};
    }
  }
  tell(errors, error);
  return nullptr;
}

int Capabilities::commit(const cleave_host* host, cleave_tx* tx, const cleave_error_sink* errors) {
  const std::unique_ptr<cleave_tx> owned(tx);
  const Wait wait(of(host).module_, observe::SpanKind::kDatabase);
  postgres::Error error;
  if (owned->transaction->commit(deadline_here(), error)) return 0;
  tell(errors, error);
  return 1;
}

void Capabilities::rollback(const cleave_host*, cleave_tx* tx) {
  delete tx;
}

int Capabilities::cache_fetch(const cleave_host* host, cleave_view key, const cleave_loader* loader,
                              const cleave_entry_sink* out) {
  Capabilities& self = of(host);
  const auto load = [&](redis::Entry& entry) {
    const cleave_entry_sink sink{&entry, [](void* into, const cleave_entry* loaded) {
                                   auto& to = *static_cast<redis::Entry*>(into);
                                   to.version = loaded->version;
                                   to.kind = static_cast<redis::Kind>(loaded->kind);
                                   to.body =
                                       std::make_shared<const std::string>(view(loaded->body));
                                 }};
    return loader->load(loader->self, &sink) == 0;
  };
  redis::Fetched fetched;
  if (self.cache_ != nullptr) {
    const Wait wait(self.module_, observe::SpanKind::kCache);
    fetched = self.cache_->fetch(view(key), load, deadline_here());
  } else {
    fetched.state = load(fetched.entry) ? redis::State::kOff : redis::State::kFailed;
  }
  if (fetched.state == redis::State::kFailed) return CLEAVE_CACHE_FAILED;
  const cleave_view body = fetched.entry.body ? raw(*fetched.entry.body) : cleave_view{"", 0};
  const cleave_entry entry{fetched.entry.version, static_cast<int>(fetched.entry.kind), body};
  out->entry(out->self, &entry);
  return static_cast<int>(fetched.state);
}

int Capabilities::cache_store(const cleave_host* host, cleave_view key, const cleave_entry* entry) {
  Capabilities& self = of(host);
  if (self.cache_ == nullptr) return 0;
  const Wait wait(self.module_, observe::SpanKind::kCache);
  const redis::Entry kept{entry->version, static_cast<redis::Kind>(entry->kind),
                          std::make_shared<const std::string>(view(entry->body))};
  return self.cache_->store(view(key), kept, deadline_here()) ? 0 : 1;
}

}  // namespace cleave::host
