#include "cleave/routes.hpp"

#include <algorithm>
#include <charconv>
#include <set>

namespace cleave {
namespace {

constexpr std::string_view kItemSuffix = "/{id}";
// Each name is compared with all before it.
constexpr std::size_t kMostParameters = 100;

/// 1 .. 2^63-1 in canonical decimal; anything else names no row.
std::optional<Id> parse_id(std::string_view digits) {
  if (digits.empty() || digits[0] < '1' || digits[0] > '9') return std::nullopt;
  Id id = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), id);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return id;
}

/// "?name" when the name, which is the client's, is short and harmless; else "?".
std::string pointer_to(std::string_view name) {
  constexpr std::string_view kHarmless = "abcdefghijklmnopqrstuvwxyz0123456789_-";
  const bool harmless = name.size() <= 64 && name.find_first_not_of(kHarmless) == name.npos;
  return "?" + std::string(harmless ? name : "");
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Undoes application/x-www-form-urlencoded.
std::string decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low < 0) throw Problem(400, "invalid-query", "The query has a broken escape.");
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

Problem not_found() {
  return {404, "not-found", "There is nothing at this path."};
}

/// Each element of a list of entity tags, of all lines of that header (RFC 9110, 5.3). A comma in
/// a tag, which none of ours has, makes two elements of it that are no tags.
template <class See>
void for_each_tag(const Request& request, std::string_view name, See&& see) {
  for (const cleave_header& header : request.headers) {
    if (!iequals(view(header.name), name)) continue;
    std::string_view list = view(header.value);
    while (!list.empty()) {
      std::string_view one = list.substr(0, list.find(','));
      list.remove_prefix(std::min(list.size(), one.size() + 1));
      while (one.starts_with(' ') || one.starts_with('\t')) one.remove_prefix(1);
      while (one.ends_with(' ') || one.ends_with('\t')) one.remove_suffix(1);
      see(one);
    }
  }
}

/// 7 of "7" in quotes, the only form of a tag of ours that is strong (RFC 9110, 13.1.1).
std::optional<std::int64_t> version_in(std::string_view tag) {
  if (tag.size() < 3 || tag.front() != '"' || tag.back() != '"') return std::nullopt;
  tag = tag.substr(1, tag.size() - 2);
  std::int64_t version = 0;
  const auto [end, error] = std::from_chars(tag.data(), tag.data() + tag.size(), version);
  if (error != std::errc() || end != tag.data() + tag.size()) return std::nullopt;
  return version;
}

}  // namespace

void Routes::add(std::string_view method, std::string_view pattern, Collection handler) {
  insert({std::string(method), std::string(pattern), false, std::move(handler), nullptr});
}

void Routes::add(std::string_view method, std::string_view pattern, Item handler) {
  pattern.remove_suffix(kItemSuffix.size());
  insert({std::string(method), std::string(pattern), true, nullptr, std::move(handler)});
}

void Routes::insert(Route route) {
  const std::string key = route.pattern + (route.item ? "/{id}" : "");
  routes_.push_back(std::move(route));
  std::set<std::string> methods{"OPTIONS"};
  for (const Route& one : routes_) {
    if (one.pattern + (one.item ? "/{id}" : "") != key) continue;
    methods.insert(one.method);
    if (one.method == "GET") methods.insert("HEAD");
  }
  std::string allow;
  for (const std::string& method : methods) allow += (allow.empty() ? "" : ", ") + method;
  const auto found = std::find_if(allow_.begin(), allow_.end(),
                                  [&](const auto& entry) { return entry.first == key; });
  if (found == allow_.end()) {
    allow_.emplace_back(key, allow);
  } else {
    found->second = allow;
  }
}

Response Routes::dispatch(const Request& request) const {
  const std::string_view path = request.path;
  const std::size_t slash = path.rfind('/');
  bool known = false;
  std::string key;
  for (const Route& route : routes_) {
    std::optional<Id> id;
    if (route.item) {
      if (slash == std::string_view::npos || path.substr(0, slash) != route.pattern) continue;
      id = parse_id(path.substr(slash + 1));
      if (!id) continue;
    } else if (path != route.pattern) {
      continue;
    }
    if (route.method == request.method) {
      return route.item ? route.on_item(request, *id) : route.collection(request);
    }
    if (!known) key = route.pattern + (route.item ? "/{id}" : "");
    known = true;
  }
  if (!known) throw not_found();
  const auto allow = std::find_if(allow_.begin(), allow_.end(),
                                  [&](const auto& entry) { return entry.first == key; });
  if (request.method == "OPTIONS") return Response{.status = 204}.set("Allow", allow->second);
  throw Problem(405, "method-not-allowed", "This method is not served here.")
      .with("Allow", allow->second);
}

QueryString::QueryString(std::string_view query) {
  while (!query.empty()) {
    const std::string_view part = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), part.size() + 1));
    if (part.empty()) continue;
    if (pairs_.size() == kMostParameters) {
      throw Problem(400, "too-many-parameters", "The query has too many parameters.");
    }
    const std::size_t equals = part.find('=');
    Pair pair;
    pair.name = decode(part.substr(0, equals));
    if (equals != std::string_view::npos) pair.value = decode(part.substr(equals + 1));
    for (const Pair& other : pairs_) {
      if (other.name == pair.name) {
        throw Problem(400, "duplicate-parameter", "A query parameter is given twice.")
            .at(pointer_to(pair.name), "duplicate");
      }
    }
    pairs_.push_back(std::move(pair));
  }
}

std::optional<std::string_view> QueryString::text(std::string_view name) {
  for (Pair& pair : pairs_) {
    if (pair.name != name) continue;
    pair.used = true;
    return pair.value;
  }
  return std::nullopt;
}

std::optional<std::int64_t> QueryString::integer(std::string_view name, std::int64_t low,
                                                 std::int64_t high) {
  const auto digits = text(name);
  if (!digits) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits->data(), digits->data() + digits->size(), value);
  const std::string pointer = "?" + std::string(name);
  if (error == std::errc::invalid_argument || end != digits->data() + digits->size()) {
    throw Problem(422, "wrong-type", "A query parameter is no whole number.")
        .at(pointer, "wrong-type");
  }
  if (error != std::errc() || value < low || value > high) {
    throw Problem(422, "out-of-range", "A query parameter is out of range.")
        .at(pointer, "out-of-range");
  }
  return value;
}

void QueryString::done() const {
  for (const Pair& pair : pairs_) {
    if (!pair.used) {
      throw Problem(400, "unknown-parameter", "A query parameter is not known here.")
          .at(pointer_to(pair.name), "unknown");
    }
  }
}

std::string etag(std::string_view version) {
  return '"' + std::string(version) + '"';
}

bool not_modified(const Request& request, std::string_view tag) {
  bool met = false;
  for_each_tag(request, "If-None-Match", [&](std::string_view one) {
    if (one.starts_with("W/")) one.remove_prefix(2);  // the weak comparison, RFC 9110, 13.1.2
    met |= one == "*" || one == tag;
  });
  return met;
}

Versions if_match(const Request& request) {
  bool asked = false, any = false;
  std::string versions;
  for_each_tag(request, "If-Match", [&](std::string_view one) {
    asked = true;
    any |= one == "*";
    if (const auto version = version_in(one)) {
      versions += (versions.empty() ? "" : ",") + std::to_string(*version);
    }
  });
  if (!asked || any) return std::nullopt;
  if (!versions.empty()) return "{" + versions + "}";
  throw Problem(412, "precondition-failed", "If-Match does not name the version that is there.");
}

}  // namespace cleave
