#include "differential/compare.hpp"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <set>
#include <stdexcept>

#include "differential/tables.hpp"

namespace cleave::test {
namespace {

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

/// Drops what stands between `start` and the next quotation mark, each time.
std::string without_values(std::string text, std::string_view start) {
  for (std::size_t at = 0; (at = text.find(start, at)) != std::string::npos;) {
    at += start.size();
    text.erase(at, text.find('"', at) - at);
  }
  return text;
}

/// "400, closed"
std::string verdict(const HttpAnswer& answer) {
  return std::to_string(answer.status) + (answer.closed ? ", closed\n" : "\n");
}

/// A whole answer as text in which nothing is left that may differ.
std::string normal(const HttpAnswer& answer, bool raw) {
  // The door refuses before it has read an id, and raw bytes bring none: such an answer gets a new
  // one, which it says in two places.
  const bool no_id = raw || answer.closed;
  std::multiset<std::string> headers;
  for (const auto& [name, value] : answer.headers) {
    const std::string key = lower(name);
    const bool excepted = std::any_of(std::begin(kExceptions), std::end(kExceptions),
                                      [&](const Exception& one) { return key == one.header; });
    if (excepted || (no_id && key == "x-request-id")) continue;
    headers.insert(key + ": " + value);
  }
  std::string body = without_values(answer.body, "\"created_at\":\"");
  if (no_id) body = without_values(body, "\"instance\":\"urn:");
  std::string text = verdict(answer);
  for (const std::string& header : headers) text += header + "\n";
  return text + "\n" + body + "\n";
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> all;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    all.push_back(text.substr(at, std::min<std::size_t>(end - at, 400)));
    at = end + 1;
  }
  return all;
}

/// Lines that only one side has, as a person would want to see them.
std::string diff(const std::string& left, const std::vector<std::string>& one,
                 const std::string& right, const std::vector<std::string>& other) {
  std::string text;
  const auto only = [&](const std::string& name, const auto& mine, const auto& theirs) {
    for (const std::string& line : mine) {
      if (std::find(theirs.begin(), theirs.end(), line) != theirs.end()) continue;
      text += "\n    " + name + std::string(9 - std::min<std::size_t>(8, name.size()), ' ') + line;
    }
  };
  only(left, one, other);
  only(right, other, one);
  return text.empty() ? "\n    the same lines in another order" : text;
}

std::string title(const Step& step) {
  return "line " + std::to_string(step.line) + ", " + step.say + ": " + step.method + " " +
         step.path.substr(0, 80);
}

/// After a change of a product each host tells Redis from the outbox, and reads past the cache
/// while it does: a moment that no two runs share.
void wait_until_told(const Deployment& system) {
  for (const supervise::ModuleDatabase& database : system.databases()) {
    if (database.module != "product") continue;
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (query(database.owner_url, "SELECT count(*) FROM product_outbox").at(0) != "0") {
      if (std::chrono::steady_clock::now() > until)
        throw std::runtime_error("the outbox stays full");
    }
  }
}

}  // namespace

Recorded record(const Deployment& system, const std::vector<Step>& traffic) {
  Recorded recorded{.gateway = system.gateway()};
  for (const Step& step : traffic) {
    if (step.direct && system.gateway()) {
      recorded.answers.emplace_back();
    } else if (!step.raw.empty()) {
      recorded.answers.push_back(ask_raw_at(system.address(step.path), step.raw, step.method));
    } else {
      Headers headers = step.headers;
      // Once: of two, NGINX 1.23 and newer makes one list, which is no id.
      const bool named = std::any_of(headers.begin(), headers.end(), [](const auto& header) {
        return header.first == "X-Request-Id";
      });
      if (!named) headers.emplace_back("X-Request-Id", "line-" + std::to_string(step.line));
      recorded.answers.push_back(system.ask(step.method, step.path, step.body, headers));
    }
    if (step.method != "GET" && step.path.starts_with("/products")) wait_until_told(system);
  }
  recorded.rows = rows_of(system.databases());
  return recorded;
}

std::vector<std::string> differences(const std::vector<Step>& traffic, const std::string& left,
                                     const Recorded& one, const std::string& right,
                                     const Recorded& other) {
  std::vector<std::string> found;
  for (std::size_t i = 0; i < traffic.size(); ++i) {
    const Step& step = traffic[i];
    const HttpAnswer &a = one.answers[i], &b = other.answers[i];
    if (a.status != step.status) {
      found.push_back(title(step) + "\n    " + left + " answered " + std::to_string(a.status) +
                      " where " + std::to_string(step.status) + " was recorded: " + a.body);
    }
    if (step.direct && b.status == 0) continue;
    const bool raw = !step.raw.empty(), own_words = step.door && other.gateway;
    const std::string mine = own_words ? verdict(a) : normal(a, raw);
    const std::string theirs = own_words ? verdict(b) : normal(b, raw);
    if (mine != theirs)
      found.push_back(title(step) + diff(left, lines(mine), right, lines(theirs)));
  }
  if (one.rows != other.rows) found.push_back("the rows" + diff(left, one.rows, right, other.rows));
  return found;
}

}  // namespace cleave::test
