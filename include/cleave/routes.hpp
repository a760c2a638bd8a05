// Routes: a table from method and path to a member function, with the answers every service owes:
// 404 for an unknown path, 405 with Allow, 204 with Allow for OPTIONS.
//
//   routes_.add("GET", "/users/{id}", [this](const Request& r, Id id) { return read(r, id); });
//
// Filled in a constructor, then only read: dispatch() is safe from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cleave/host.hpp"
#include "cleave/json.hpp"
#include "cleave/message.hpp"
#include "cleave/problem.hpp"

namespace cleave {

using Id = std::int64_t;

class Routes {
 public:
  using Collection = std::function<Response(const Request&)>;
  using Item = std::function<Response(const Request&, Id)>;

  /// A pattern is literal, or literal with one trailing "/{id}".
  void add(std::string_view method, std::string_view pattern, Collection handler);
  void add(std::string_view method, std::string_view pattern, Item handler);

  /// Finds and runs the handler. A path that is no canonical form of a route gives 404; an id
  /// that is digits but no positive 64-bit number gives 404 too: no such row can exist.
  Response dispatch(const Request& request) const;

 private:
  struct Route {
    std::string method, pattern;
    bool item;
    Collection collection;
    Item on_item;
  };
  void insert(Route route);
  std::vector<Route> routes_;
  std::vector<std::pair<std::string, std::string>> allow_;  // pattern -> "DELETE, GET, HEAD, …"
};

/// The query string, decoded (percent and '+'). Throws 400 for a broken escape or a repeated
/// name, and, in done(), 400 for a name that nobody asked for.
class QueryString {
 public:
  explicit QueryString(std::string_view query);  // at most 100 parameters
  std::optional<std::string_view> text(std::string_view name);
  /// A decimal integer in [low, high], else 422 "out-of-range" or "wrong-type" at "?name".
  std::optional<std::int64_t> integer(std::string_view name, std::int64_t low, std::int64_t high);
  void done() const;

 private:
  struct Pair {
    std::string name, value;
    bool used = false;
  };
  std::vector<Pair> pairs_;
};

/// Keyset pagination: ?limit= (1..1000, default 100) and ?after=<id>.
struct Page {
  std::int64_t limit = 100;
  std::int64_t after = 0;
  static Page from(QueryString& query);
};

/// 200 with a JSON array of the first page.limit rows, and Link: rel="next" (RFC 8288) when there
/// are more: ask for limit + 1. Column 0 is the id; `filters` ("user_id=3", or empty) goes into the
/// link; `append` writes one row, by nothing but that row: rows that several requests share are
/// rendered once.
Response page_response(std::string_view path, const Page& page, const Rows& rows,
                       std::string_view filters,
                       void (*append)(JsonWriter&, const Rows&, std::size_t));

/// ETag of a row version, and the two conditions on it (RFC 9110, 13.1).
std::string etag(std::string_view version);
bool not_modified(const Request& request, std::string_view etag);  // If-None-Match, weak
/// The versions that If-Match lists, as PostgreSQL writes an array, "{3,4}", for
/// `$1::bigint[] IS NULL OR version = ANY ($1)`; nullopt (NULL, any version) when it is absent or
/// "*". 412 when no tag in it is one of ours; weak ones never match.
using Versions = std::optional<std::string>;
Versions if_match(const Request& request);

}  // namespace cleave
