#include "postgres/migrate.hpp"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>

#include "postgres/session.hpp"
#include "postgres/sqlstate.hpp"
#include "postgres/url.hpp"

namespace cleave::postgres {
namespace {

namespace fs = std::filesystem;

// One for all migrations of a database: "cleave" in hexadecimal.
constexpr const char* kLock = "SELECT pg_advisory_xact_lock(x'636c65617665'::bigint)";

bool valid_name(const std::string& name) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return name.size() > 8 && std::all_of(name.begin(), name.begin() + 3, digit) && name[3] == '_' &&
         name.ends_with(".sql");
}

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".sql") continue;
    if (!valid_name(entry.path().filename())) {
      throw std::runtime_error(entry.path().string() +
                               ": a migration is named NNN_what.sql; rename it");
    }
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  const auto number = [](const fs::path& file) { return file.filename().string().substr(0, 3); };
  const auto twins = std::adjacent_find(
      files.begin(), files.end(),
      [&](const fs::path& a, const fs::path& b) { return number(a) == number(b); });
  if (twins != files.end()) {
    throw std::runtime_error(twins->string() + " and " + (twins + 1)->filename().string() +
                             " have the same number; give one of them the next");
  }
  return files;
}

std::string read(const fs::path& file) {
  std::ifstream in(file);
  if (!in) throw std::runtime_error("cannot read " + file.string());
  return {std::istreambuf_iterator<char>(in), {}};
}

class Migration {
 public:
  /// The deadline is of the work, which may be long; a server that is there answers at once.
  Migration(const MigrateOptions& options, io::TimePoint deadline)
      : options_(options),
        deadline_(deadline),
        session_({.url = options.owner_url,
                  .application = "cleave-migrate",
                  .statement_timeout = io::Millis(0),
                  .lock_timeout = io::Millis(30000)},
                 std::min(deadline, io::Clock::now() + io::Millis(2000))) {}

  void all(Migrated& result) {
    const std::vector<fs::path> files = files_in(options_.folder);
    result.known = files.size();
    for (const fs::path& file : files) {
      run("BEGIN", file);
      run(kLock, file);  // whoever starts with us waits here, and then finds it applied
      run("SET LOCAL client_min_messages = warning; "
          "CREATE TABLE IF NOT EXISTS cleave_migrations (name text PRIMARY KEY, "
          "sha256 bytea NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())",
          file);
      if (apply(file)) result.applied.push_back(file.filename());
      run("COMMIT", file);
    }
  }

 private:
  bool apply(const fs::path& file) {
    const std::string text = read(file);
    const std::string name = file.filename();
    const cleave_view params[] = {{name.data(), name.size()}, {text.data(), text.size()}};
    const ResultPtr known = check(
        session_.query({"SELECT bool_or(sha256 = sha256(convert_to($2, 'UTF8'))) "
                        "FILTER (WHERE name = $1), max(name COLLATE \"C\") FROM cleave_migrations",
                        params, 2},
                       deadline_),
        file);
    if (PQgetisnull(known.get(), 0, 0) == 0) {
      if (*PQgetvalue(known.get(), 0, 0) == 't') return false;
      throw std::runtime_error(file.string() +
                               " has changed since it was applied; restore it, and put the change "
                               "into a new file with the next number");
    }
    if (const std::string last = PQgetvalue(known.get(), 0, 1); name < last) {
      throw std::runtime_error(file.string() + " comes before " + last +
                               ", which is applied; give it the next number, or databases would "
                               "differ by the order in which they were made");
    }
    run(with_role(text), file);
    if (PQtransactionStatus(session_.get()) != PQTRANS_INTRANS) {
      throw std::runtime_error(file.string() +
                               " ends the transaction that it runs in; remove its COMMIT or "
                               "ROLLBACK, and undo by hand what it did before");
    }
    check(session_.query({"INSERT INTO cleave_migrations (name, sha256) "
                          "VALUES ($1, sha256(convert_to($2, 'UTF8')))",
                          params, 2},
                         deadline_),
          file);
    return true;
  }

  std::string with_role(std::string text) const {
    static constexpr std::string_view kPlace = ":\"runtime\"";
    std::string role = options_.runtime_role;
    if (role.empty()) role = PQuser(session_.get());
    const std::unique_ptr<char, void (*)(void*)> quoted(
        PQescapeIdentifier(session_.get(), role.data(), role.size()), &PQfreemem);
    if (quoted == nullptr) throw std::runtime_error("the role's name cannot be quoted: " + role);
    const std::string safe = quoted.get();
    for (std::size_t at = 0; (at = text.find(kPlace, at)) != std::string::npos; at += safe.size()) {
      text.replace(at, kPlace.size(), safe);
    }
    return text;
  }

  void run(const std::string& sql, const fs::path& file) {
    check(session_.run(sql, deadline_), file);
  }
  ResultPtr check(ResultPtr result, const fs::path& file) const {
    const ExecStatusType status = PQresultStatus(result.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
      throw std::runtime_error(file.string() + ": " + message_of(session_.get()));
    }
    return result;
  }

  const MigrateOptions& options_;
  io::TimePoint deadline_;
  Session session_;
};

/// Whether it is worth trying again: the server is not there yet. A refused password or a missing
/// database will not mend itself.
bool is_absent(const ConnectionError& error) {
  const Failure failure = judge(error.sqlstate()).failure;
  return failure == Failure::kConnection || failure == Failure::kCrowded;
}

/// "CLEAVE_USER_DATABASE_URL", the setting that a person would have to look at.
std::string url_variable(std::string module) {
  for (char& c : module) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return "CLEAVE_" + module + "_DATABASE_URL";
}

}  // namespace

Migrated migrate(const MigrateOptions& options, io::TimePoint deadline) {
  Migrated result;
  const UrlParts url = parse_url(options.owner_url);
  try {
    if (!url.valid) throw std::runtime_error("the connection string is not valid: " + url.why);
    Migration(options, deadline).all(result);
    result.ok = true;
  } catch (const ConnectionError& error) {
    result.retry = is_absent(error);
    result.why = options.module + ": cannot reach " + url.where + ": " + error.what() + "; check " +
                 url_variable(options.module) + " and the server";
  } catch (const std::runtime_error& error) {
    result.why = options.module + ": " + error.what();
  }
  return result;
}

}  // namespace cleave::postgres
