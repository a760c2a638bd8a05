#include "postgres/hosts.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <string_view>
#include <vector>

#include "io/resolver.hpp"
#include "io/wait.hpp"
#include "postgres/connect.hpp"

namespace cleave::postgres {
namespace {

constexpr io::Millis kPatience{100};  // with a name server, when an address is known already

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts;
  for (std::size_t at = 0, end = 0; end != std::string::npos; at = end + 1) {
    end = list.find(',', at);
    parts.push_back(list.substr(at, end - at));
  }
  return parts;
}

bool is_name(const std::string& host) {
  return !host.empty() && host[0] != '/' && host[0] != '@' && !io::is_numeric(host);
}

/// One for each name that a configuration has, so they stay few; kept for the addresses they know.
io::Resolver& resolver_of(const std::string& name) {
  static std::mutex mutex;
  static auto& all = *new std::map<std::string, io::Resolver>;
  const std::lock_guard lock(mutex);
  return all.try_emplace(name, name).first->second;
}

std::vector<std::string> addresses_of(const std::string& name, io::TimePoint deadline) {
  io::Resolver& resolver = resolver_of(name);
  const bool known = !resolver.all().empty();
  resolver.refresh();
  const auto until = known ? std::min(deadline, io::Clock::now() + kPatience) : deadline;
  while (resolver.busy() && io::Clock::now() < until) io::sleep_for(io::Millis(1));
  return resolver.all();
}

bool is_port(const std::string& text) {
  return text.find_first_not_of("0123456789") == std::string::npos;
}

void append(std::string& list, bool first, std::string_view part) {
  if (!first) list += ',';
  list += part;
}

}  // namespace

std::optional<Hosts> numeric_hosts(const std::string& url, io::TimePoint deadline) {
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(
      PQconninfoParse(url.c_str(), nullptr), &PQconninfoFree);
  const auto value_of = [&](std::string_view keyword) -> std::string {
    for (const auto* one = options.get(); one != nullptr && one->keyword != nullptr; ++one) {
      if (one->keyword == keyword && one->val != nullptr) return one->val;
    }
    return "";
  };
  const std::vector<std::string> hosts = split(value_of("host")), ports = split(value_of("port"));
  if (!value_of("hostaddr").empty() || std::none_of(hosts.begin(), hosts.end(), is_name) ||
      !std::all_of(ports.begin(), ports.end(), is_port) ||
      (ports.size() > 1 && ports.size() != hosts.size())) {
    return std::nullopt;  // libpq's own business, also what is wrong with it
  }
  Hosts found;
  bool first = true;
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    const bool name = is_name(hosts[i]);
    for (const std::string& address :
         name ? addresses_of(hosts[i], deadline) : std::vector<std::string>{""}) {
      append(found.host, first, hosts[i]);
      append(found.hostaddr, first, address);
      append(found.port, first, ports[ports.size() > 1 ? i : 0]);
      first = false;
    }
  }
  if (first) throw ConnectionError("no address is known of " + value_of("host"), "");
  return found;
}

}  // namespace cleave::postgres
