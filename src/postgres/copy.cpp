#include "postgres/copy.hpp"

#include <stdexcept>

#include "postgres/session.hpp"

namespace cleave::postgres {
namespace {

class Copy {
 public:
  Copy(const CopyOptions& options, io::TimePoint deadline)
      : options_(options),
        deadline_(deadline),
        session_({.url = options.url,
                  .application = "cleave-seed",
                  .statement_timeout = io::Millis(0),
                  .lock_timeout = io::Millis(0)},
                 deadline) {}

  std::string all(const std::function<bool(std::string&)>& next) {
    run("BEGIN");
    const std::string told = options_.before.empty() ? "" : first_field(run(options_.before));
    if (options_.replace) {
      run("TRUNCATE " + options_.table + " RESTART IDENTITY");
    } else if (PQntuples(run("SELECT FROM " + options_.table + " LIMIT 1").get()) > 0) {
      throw std::runtime_error("table " + options_.table +
                               " has rows; add --replace to remove them");
    }
    std::string columns;
    for (const std::string& column : options_.columns) {
      columns += (columns.empty() ? "" : ", ") + column;
    }
    run("COPY " + options_.table + " (" + columns + ") FROM STDIN");
    std::string bytes;
    for (bool more = true; more;) {
      bytes.clear();
      while (more && bytes.size() < 64 * 1024) more = next(bytes);
      if (!bytes.empty()) session_.put_copy(bytes, deadline_);
    }
    check(session_.end_copy(deadline_));
    run("COMMIT");
    run("ANALYZE " + options_.table);
    return told;
  }

 private:
  static std::string first_field(const ResultPtr& result) {
    return PQntuples(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
  }
  ResultPtr run(const std::string& sql) { return check(session_.run(sql, deadline_)); }
  ResultPtr check(ResultPtr result) const {
    if (PQresultStatus(result.get()) == PGRES_FATAL_ERROR) {
      throw std::runtime_error(message_of(session_.get()));
    }
    return result;
  }
  const CopyOptions& options_;
  io::TimePoint deadline_;
  Session session_;
};

}  // namespace

Copied copy_in(const CopyOptions& options, const std::function<bool(std::string&)>& next,
               io::TimePoint deadline) {
  try {
    return {.ok = true, .told = Copy(options, deadline).all(next)};
  } catch (const std::runtime_error& error) {
    return {.why = error.what()};
  }
}

}  // namespace cleave::postgres
