#include "postgres/copy.hpp"

#include <libpq-fe.h>
#include <sys/epoll.h>

#include <memory>
#include <stdexcept>

#include "io/wait.hpp"

namespace cleave::postgres {
namespace {

/// A connection used by one fiber for one job, without sharing and without blocking the loop.
class Session {
 public:
  Session(const std::string& url, io::TimePoint deadline)
      : deadline_(deadline), connection_(PQconnectStart(url.c_str()), &PQfinish) {
    if (connection_ == nullptr || PQstatus(get()) == CONNECTION_BAD) fail();
    for (PostgresPollingStatusType want = PGRES_POLLING_WRITING; want != PGRES_POLLING_OK;) {
      wait(want == PGRES_POLLING_READING ? EPOLLIN : EPOLLOUT);
      want = PQconnectPoll(get());
      if (want == PGRES_POLLING_FAILED) fail();
    }
    if (PQsetnonblocking(get(), 1) != 0) fail();
  }

  PGconn* get() const noexcept { return connection_.get(); }

  [[noreturn]] void fail() const {
    std::string why = get() != nullptr ? PQerrorMessage(get()) : "out of memory";
    throw std::runtime_error(why.substr(0, why.find('\n')));
  }

  void flush() const {
    for (int left = PQflush(get()); left != 0; left = PQflush(get())) {
      if (left < 0) fail();
      wait(EPOLLIN | EPOLLOUT);
      if (PQconsumeInput(get()) == 0) fail();
    }
  }

  /// The first result of the command that was sent; throws when it failed.
  std::unique_ptr<PGresult, void (*)(PGresult*)> result() const {
    flush();
    while (PQisBusy(get()) != 0) {
      wait(EPOLLIN);
      if (PQconsumeInput(get()) == 0) fail();
    }
    std::unique_ptr<PGresult, void (*)(PGresult*)> result(PQgetResult(get()), &PQclear);
    if (PQresultStatus(result.get()) == PGRES_FATAL_ERROR) fail();
    return result;
  }

  std::unique_ptr<PGresult, void (*)(PGresult*)> run(const std::string& sql) const {
    if (PQsendQuery(get(), sql.c_str()) == 0) fail();
    auto first = result();
    if (PQresultStatus(first.get()) != PGRES_COPY_IN) finish();
    return first;
  }

  void finish() const {
    while (result() != nullptr) {
    }
  }

 private:
  void wait(std::uint32_t events) const {
    if (!io::wait_fd(PQsocket(get()), events, deadline_)) {
      throw std::runtime_error("the database did not answer in time");
    }
  }
  io::TimePoint deadline_;
  std::unique_ptr<PGconn, void (*)(PGconn*)> connection_;
};

void put(const Session& session, const std::string& bytes) {
  for (int sent = 0; sent == 0;) {  // 0: libpq's buffer is full
    sent = PQputCopyData(session.get(), bytes.data(), static_cast<int>(bytes.size()));
    if (sent < 0) session.fail();
    session.flush();
  }
}

void copy(const Session& session, const CopyOptions& options,
          const std::function<bool(std::string&)>& next) {
  session.run("BEGIN");
  if (options.replace) {
    session.run("TRUNCATE " + options.table + " RESTART IDENTITY");
  } else if (PQntuples(session.run("SELECT FROM " + options.table + " LIMIT 1").get()) > 0) {
    throw std::runtime_error("table " + options.table + " has rows; add --replace to remove them");
  }
  std::string columns;
  for (const std::string& column : options.columns) {
    columns += (columns.empty() ? "" : ", ") + column;
  }
  session.run("COPY " + options.table + " (" + columns + ") FROM STDIN");
  std::string bytes;
  for (bool more = true; more;) {
    bytes.clear();
    while (more && bytes.size() < 64 * 1024) more = next(bytes);
    if (!bytes.empty()) put(session, bytes);
  }
  if (PQputCopyEnd(session.get(), nullptr) < 0) session.fail();
  session.finish();
  session.run("COMMIT");
  session.run("ANALYZE " + options.table);
}

}  // namespace

Copied copy_in(const CopyOptions& options, const std::function<bool(std::string&)>& next,
               io::TimePoint deadline) {
  try {
    copy(Session(options.url, deadline), options, next);
    return {.ok = true};
  } catch (const std::runtime_error& error) {
    return {.why = error.what()};
  }
}

}  // namespace cleave::postgres
