#include "postgres/connect.hpp"

#include <sys/epoll.h>

#include <cstring>
#include <optional>
#include <vector>

#include "io/wait.hpp"
#include "postgres/hosts.hpp"
#include "postgres/url.hpp"

namespace cleave::postgres {
namespace {

std::string session_settings(const ConnectOptions& options) {
  std::string text =
      "-c timezone=UTC -c datestyle=ISO -c "
      "idle_in_transaction_session_timeout=5000";
  text += " -c statement_timeout=" + std::to_string(options.statement_timeout.count());
  text += " -c lock_timeout=" + std::to_string(options.lock_timeout.count());
  // The server plans a batch for the length of its arrays again and again, as that looks cheaper to
  // it: planning took longer than the statement.
  if (options.generic_plans) text += " -c plan_cache_mode=force_generic_plan";
  text += " " + parse_url(options.url).options;
  if (options.read_only) text += " -c default_transaction_read_only=on";
  return text;
}

/// The code of a failed connection attempt. libpq 15 does not keep it, so the
/// few that decide what happens next are told from the message (fe-connect.c,
/// miscinit.c; stable since 9.0).
std::string guess_sqlstate(const std::string& message) {
  const auto says = [&](const char* words) { return message.find(words) != std::string::npos; };
  if (says("too many c") || says("remaining connection slots")) return "53300";
  if (says("is starting up") || says("is shutting down") || says("in recovery mode"))
    return "57P03";
  if (says("does not exist")) return "3D000";
  if (says("authentication failed") || says("pg_hba.conf") || says("no password")) return "28000";
  if (says("permission denied for database")) return "42501";
  if (says("invalid ")) return "22023";
  return "";
}

}  // namespace

bool warns_of_commit(const PGresult* notice) noexcept {
  const char* const function = PQresultErrorField(notice, PG_DIAG_SOURCE_FUNCTION);
  return function != nullptr && std::strcmp(function, "SyncRepWaitForLSN") == 0;
}

std::string message_of(const PGconn* connection) {
  const std::string text = connection != nullptr ? PQerrorMessage(connection) : "out of memory";
  return text.substr(0, text.find('\n'));
}

ConnectionPtr connect(const ConnectOptions& options, io::TimePoint deadline) {
  const std::string settings = session_settings(options);
  const std::optional<Hosts> hosts = numeric_hosts(options.url, deadline);
  // A later one wins over an earlier, and over the URL.
  std::vector<const char*> keywords, values;
  const auto set = [&](const char* keyword, const char* value) {
    keywords.push_back(keyword);
    values.push_back(value);
  };
  set("target_session_attrs", options.server);
  set("dbname", options.url.c_str());
  if (hosts) {
    set("host", hosts->host.c_str());
    set("hostaddr", hosts->hostaddr.c_str());
    set("port", hosts->port.c_str());
  }
  set("fallback_application_name", options.application.c_str());
  set("client_encoding", "UTF8");
  set("keepalives_idle", "5");
  set("keepalives_interval", "2");
  set("keepalives_count", "3");
  set("tcp_user_timeout", "5000");
  set("options", settings.c_str());
  set(nullptr, nullptr);
  ConnectionPtr connection(PQconnectStartParams(keywords.data(), values.data(), 1), &PQfinish);
  PGconn* const raw = connection.get();
  const auto fail = [&](const std::string& why) {
    throw ConnectionError(why, guess_sqlstate(why));
  };
  if (raw == nullptr || PQstatus(raw) == CONNECTION_BAD) fail(message_of(raw));
  for (auto want = PGRES_POLLING_WRITING; want != PGRES_POLLING_OK; want = PQconnectPoll(raw)) {
    if (want == PGRES_POLLING_FAILED) fail(message_of(raw));
    const std::uint32_t events = want == PGRES_POLLING_READING ? EPOLLIN : EPOLLOUT;
    if (!io::wait_fd(PQsocket(raw), events, deadline)) fail("no answer in time");
  }
  if (PQsetnonblocking(raw, 1) != 0) fail(message_of(raw));
  PQsetNoticeReceiver(
      raw, [](void*, const PGresult*) {},
      nullptr);  // libpq's writes to stderr
  return connection;
}

}  // namespace cleave::postgres
