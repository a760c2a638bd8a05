// A cleave_host that a test scripts: what a module asks for is answered by the test's lambdas, and
// recorded. No loop, no database, no cache server.
//
//   test::FakeHost fake;
//   fake.on_query = [](const test::Asked& asked) { return test::Answer{.rows = {{"7", "Ada"}}}; };
//   User user{Host(fake.raw())};
//
// The cache is a map with the rule of the real one (only a newer version is stored). gather runs
// its tasks one after the other. Only the log may be used from several threads.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cleave/abi.h"
#include "cleave/message.hpp"

namespace cleave::test {

using Text = std::optional<std::string>;  // nullopt: SQL NULL

/// A statement as the module sent it.
struct Asked {
  std::string sql;
  std::vector<Text> params;
  bool in_transaction = false;
};
struct Failure {
  int status = 503;
  std::string slug = "database-unavailable", title = "The database cannot be reached.";
  std::string sqlstate = {}, constraint = {};
};
/// Rows, or a failure.
struct Answer {
  std::vector<std::vector<Text>> rows = {};
  std::uint64_t affected = 0;
  std::optional<Failure> failure = {};
  std::uint64_t shared = 0;  // cleave_rows::shared
};
struct LogLine {
  int level;
  std::string text;
};

class FakeHost {
 public:
  // What the test decides.
  std::function<Response(std::string_view module, const Request& request)> on_call;
  std::function<Answer(const Asked& asked)> on_query;
  std::function<std::optional<Failure>()> on_begin, on_commit;
  std::map<std::string, std::string, std::less<>> config;
  bool cache_off = false;
  std::int64_t now_us = 1'700'000'000'000'000;
  std::int64_t deadline_ms = 1000;

  // What the module did.
  std::vector<Asked> asked;
  std::vector<std::string> called;  // "user GET /users/7"
  int begun = 0, committed = 0, rolled_back = 0;
  int rows_held = 0;  // given and not yet released
  struct Cached {
    std::int64_t version;
    int kind;
    std::string body;
  };
  std::map<std::string, Cached, std::less<>> cache;

  FakeHost() {
    host_ = {sizeof host_, this,     &log,   &config_of, &now,      &deadline, &call,  &gather,
             &query,       &release, &begin, &commit,    &rollback, &fetch,    &store, &query};
  }
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;

  const cleave_host* raw() const noexcept { return &host_; }
  std::vector<LogLine> logged() const {
    const std::lock_guard lock(mutex_);
    return log_;
  }
  bool has_logged(int level, std::string_view part) const {
    const auto lines = logged();
    return std::any_of(lines.begin(), lines.end(), [&](const LogLine& line) {
      return line.level == level && line.text.find(part) != std::string::npos;
    });
  }

 private:
  struct Rows : cleave_rows {
    std::vector<std::vector<Text>> cells;
  };
  static FakeHost& of(const cleave_host* host) { return *static_cast<FakeHost*>(host->self); }
  static cleave_view text_view(const Text& text) {
    return text ? cleave_view{text->empty() ? "" : text->data(), text->size()}
                : cleave_view{nullptr, 0};
  }

  static void log(const cleave_host* host, int level, cleave_view message) {
    const std::lock_guard lock(of(host).mutex_);
    of(host).log_.push_back({level, std::string(view(message))});
  }
  static int config_of(const cleave_host* host, cleave_view key, cleave_view* value) {
    const auto found = of(host).config.find(view(key));
    if (found == of(host).config.end()) return 0;
    *value = cleave::raw(found->second);
    return 1;
  }
  static std::int64_t now(const cleave_host* host) { return of(host).now_us; }
  static std::int64_t deadline(const cleave_host* host) { return of(host).deadline_ms; }

  static void call(const cleave_host* host, cleave_view module, const cleave_request* request,
                   const cleave_sink* sink) {
    const Request asked{.method = view(request->method),
                        .path = view(request->path),
                        .query = view(request->query),
                        .body = view(request->body),
                        .headers = {request->headers, request->header_count}};
    of(host).called.push_back(std::string(view(module)) + " " + std::string(asked.method) + " " +
                              std::string(asked.path));
    const Response none{500, "the test has no on_call", {}};
    write(of(host).on_call ? of(host).on_call(view(module), asked) : none, *sink);
  }
  static void gather(const cleave_host*, const cleave_task* tasks, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) tasks[i].run(tasks[i].self);
  }

  static const cleave_rows* query(const cleave_host* host, const cleave_query* query,
                                  const cleave_error_sink* errors) {
    Asked asked{std::string(view(query->sql)), {}, query->tx != nullptr};
    for (std::size_t i = 0; i < query->param_count; ++i) {
      const cleave_view param = query->params[i];
      asked.params.push_back(param.data != nullptr ? Text(view(param)) : std::nullopt);
    }
    of(host).asked.push_back(asked);
    Answer answer{.failure = Failure{.title = "the test has no on_query"}};
    if (of(host).on_query) answer = of(host).on_query(asked);
    if (answer.failure) return tell(*answer.failure, errors), nullptr;
    auto* rows = new Rows{};
    rows->size = sizeof(cleave_rows);
    rows->rows = answer.rows.size();
    rows->columns = answer.rows.empty() ? 0 : answer.rows.front().size();
    rows->affected = answer.affected;
    rows->shared = answer.shared;
    rows->cells = std::move(answer.rows);
    rows->value = [](const cleave_rows* self, std::size_t row, std::size_t column) {
      return text_view(static_cast<const Rows*>(self)->cells.at(row).at(column));
    };
    ++of(host).rows_held;
    return rows;
  }
  static void release(const cleave_host* host, const cleave_rows* rows) {
    --of(host).rows_held;
    delete static_cast<const Rows*>(rows);
  }

  static cleave_tx* begin(const cleave_host* host, const cleave_error_sink* errors) {
    const auto failure = of(host).on_begin ? of(host).on_begin() : std::nullopt;
    if (failure) return tell(*failure, errors), nullptr;
    ++of(host).begun;
    return reinterpret_cast<cleave_tx*>(&of(host).begun);  // only ever compared with NULL
  }
  static int commit(const cleave_host* host, cleave_tx*, const cleave_error_sink* errors) {
    const auto failure = of(host).on_commit ? of(host).on_commit() : std::nullopt;
    if (failure) return tell(*failure, errors), 1;
    ++of(host).committed;
    return 0;
  }
  static void rollback(const cleave_host* host, cleave_tx*) { ++of(host).rolled_back; }

  static int fetch(const cleave_host* host, cleave_view key, const cleave_loader* loader,
                   const cleave_entry_sink* out) {
    FakeHost& self = of(host);
    const auto found = self.cache.find(view(key));
    const bool hit =
        !self.cache_off && found != self.cache.end() && found->second.kind != CLEAVE_FLOOR;
    Cached entry{};
    if (hit) {
      entry = found->second;
    } else {
      const cleave_entry_sink sink{
          &entry, [](void* to, const cleave_entry* from) {
            *static_cast<Cached*>(to) = {from->version, from->kind, std::string(view(from->body))};
          }};
      if (loader->load(loader->self, &sink) != 0) return CLEAVE_CACHE_FAILED;
      if (!self.cache_off) self.keep(view(key), entry);
    }
    const cleave_entry raw_entry{entry.version, entry.kind, cleave::raw(entry.body)};
    out->entry(out->self, &raw_entry);
    return hit ? CLEAVE_CACHE_HIT : self.cache_off ? CLEAVE_CACHE_OFF : CLEAVE_CACHE_MISS;
  }
  static int store(const cleave_host* host, cleave_view key, const cleave_entry* entry) {
    if (of(host).cache_off) return 1;
    of(host).keep(view(key), {entry->version, entry->kind, std::string(view(entry->body))});
    return 0;
  }

  void keep(std::string_view key, const Cached& entry) {
    const auto found = cache.find(key);
    if (found == cache.end()) {
      cache.emplace(key, entry);
    } else if (found->second.version < entry.version || found->second.kind == CLEAVE_FLOOR) {
      found->second = entry;
    }
  }
  static void tell(const Failure& failure, const cleave_error_sink* errors) {
    const cleave_error error{sizeof error,
                             failure.status,
                             cleave::raw(failure.slug),
                             cleave::raw(failure.title),
                             cleave::raw(failure.sqlstate),
                             cleave::raw(failure.constraint)};
    errors->error(errors->self, &error);
  }

  cleave_host host_;
  mutable std::mutex mutex_;
  std::vector<LogLine> log_;
};

}  // namespace cleave::test
