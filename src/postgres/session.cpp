#include "postgres/session.hpp"

#include <sys/epoll.h>

#include <cstring>
#include <utility>

#include "io/wait.hpp"

namespace cleave::postgres {

void Parameters::set(const Statement& statement) {
  bytes_.clear();
  pointers_.clear();
  std::size_t size = 0;
  for (std::size_t i = 0; i < statement.param_count; ++i) size += statement.params[i].size + 1;
  bytes_.reserve(size);  // so that the pointers stay
  for (std::size_t i = 0; i < statement.param_count; ++i) {
    const cleave_view& param = statement.params[i];
    if (param.data == nullptr) {
      pointers_.push_back(nullptr);
      continue;
    }
    pointers_.push_back(bytes_.data() + bytes_.size());
    bytes_.append(param.data, param.size);
    bytes_ += '\0';
  }
}

/// Array input, PostgreSQL manual 8.15.2: quoted elements, so that their text needs no look but for
/// the quote and the backslash.
void Parameters::set_arrays(std::span<const Statement* const> statements) {
  bytes_.clear();
  pointers_.clear();
  const std::size_t count = statements.front()->param_count;
  std::vector<std::size_t> starts;
  for (std::size_t i = 0; i < count; ++i) {
    starts.push_back(bytes_.size());
    char separator = '{';
    for (const Statement* const statement : statements) {
      bytes_ += std::exchange(separator, ',');
      const cleave_view& param = statement->params[i];
      if (param.data == nullptr) {
        bytes_ += "NULL";
        continue;
      }
      bytes_ += '"';
      for (const char c : std::string_view(param.data, param.size)) {
        if (c == '"' || c == '\\') bytes_ += '\\';
        bytes_ += c;
      }
      bytes_ += '"';
    }
    bytes_.append("}", 2);  // and the NUL
  }
  for (const std::size_t start : starts) pointers_.push_back(bytes_.data() + start);
}

bool has_nul(const Statement& statement) noexcept {
  for (std::size_t i = 0; i < statement.param_count; ++i) {
    const cleave_view& param = statement.params[i];
    if (param.size > 0 && std::memchr(param.data, '\0', param.size) != nullptr) return true;
  }
  return false;
}

Session::Session(const ConnectOptions& options, io::TimePoint deadline)
    : connection_(connect(options, deadline)) {
  PQsetNoticeReceiver(
      get(),
      [](void* self, const PGresult* notice) {
        if (warns_of_commit(notice)) static_cast<Session*>(self)->in_doubt_ = true;
      },
      this);
}

bool Session::broken() const noexcept {
  return broken_ || PQstatus(get()) != CONNECTION_OK;
}

void Session::fail(const std::string& why) {
  broken_ = true;
  throw ConnectionError(why, "");
}

void Session::wait(std::uint32_t events, io::TimePoint deadline) {
  if (!io::wait_fd(PQsocket(get()), events, deadline)) fail("no answer in time");
}

void Session::flush(io::TimePoint deadline) {
  for (int left = PQflush(get()); left != 0; left = PQflush(get())) {
    if (left < 0) fail(message_of(get()));
    wait(EPOLLIN | EPOLLOUT, deadline);
    if (PQconsumeInput(get()) == 0) fail(message_of(get()));
  }
}

ResultPtr Session::finish(io::TimePoint deadline) {
  flush(deadline);
  ResultPtr last(nullptr, &PQclear);
  for (;;) {
    while (PQisBusy(get()) != 0) {
      wait(EPOLLIN, deadline);
      if (PQconsumeInput(get()) == 0) fail(message_of(get()));
    }
    ResultPtr next(PQgetResult(get()), &PQclear);
    if (next == nullptr) break;
    const bool failed = last != nullptr && PQresultStatus(last.get()) == PGRES_FATAL_ERROR;
    if (!failed) last = std::move(next);
    if (PQresultStatus(last.get()) == PGRES_COPY_IN) break;
  }
  if (last == nullptr) fail(message_of(get()));
  return last;
}

ResultPtr Session::run(const std::string& sql, io::TimePoint deadline) {
  if (PQsendQuery(get(), sql.c_str()) == 0) fail(message_of(get()));
  return finish(deadline);
}

ResultPtr Session::query(const Statement& statement, io::TimePoint deadline) {
  Parameters parameters;
  parameters.set(statement);
  const std::string sql(statement.sql);
  if (PQsendQueryParams(get(), sql.c_str(), parameters.count(), nullptr, parameters.values(),
                        nullptr, nullptr, 0) == 0) {
    fail(message_of(get()));
  }
  return finish(deadline);
}

void Session::require_durable(io::TimePoint deadline) {
  const ResultPtr shown =
      run("SELECT current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on' "
          "AND current_setting('synchronous_commit') <> 'off', pg_is_in_recovery()",
          deadline);
  if (PQntuples(shown.get()) != 1) throw ConnectionError(message_of(get()), "");
  const auto is = [&](int column) { return *PQgetvalue(shown.get(), 0, column) == 't'; };
  if (is(1)) throw ConnectionError("the server is a standby: it takes no writes", "");
  if (!is(0)) {
    throw ConnectionError(
        "the server may lose what it acknowledged, so nothing is written to it: set fsync, "
        "full_page_writes and synchronous_commit to on",
        "");
  }
}

void Session::put_copy(const std::string& bytes, io::TimePoint deadline) {
  for (int sent = 0; sent == 0;) {  // 0: libpq's buffer is full
    sent = PQputCopyData(get(), bytes.data(), static_cast<int>(bytes.size()));
    if (sent < 0) fail(message_of(get()));
    flush(deadline);
  }
}

ResultPtr Session::end_copy(io::TimePoint deadline) {
  if (PQputCopyEnd(get(), nullptr) < 0) fail(message_of(get()));
  return finish(deadline);
}

}  // namespace cleave::postgres
