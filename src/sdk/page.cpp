#include <algorithm>

#include "cleave/routes.hpp"

namespace cleave {
namespace {

/// The page rendered last, for the others that got the same rows (Rows::shared). One a thread.
struct Rendered {
  static constexpr std::size_t kMost = 64 * 1024;  // what may stay in memory
  std::uint64_t shared = 0;
  std::int64_t limit = 0;
  void (*append)(JsonWriter&, const Rows&, std::size_t) = nullptr;
  std::string body;
};

std::string render(const Rows& rows, std::size_t count,
                   void (*append)(JsonWriter&, const Rows&, std::size_t)) {
  std::string body;
  body.reserve(160 * count + 2);
  JsonWriter json(body);
  json.begin_array();
  for (std::size_t row = 0; row < count; ++row) append(json, rows, row);
  json.end_array();
  return body;
}

std::string render_once(const Rows& rows, const Page& page, std::size_t count,
                        void (*append)(JsonWriter&, const Rows&, std::size_t)) {
  if (rows.shared() == 0) return render(rows, count, append);
  static thread_local Rendered last;
  if (last.shared != rows.shared() || last.limit != page.limit || last.append != append) {
    std::string body = render(rows, count, append);
    if (body.size() > Rendered::kMost) return body;
    last = {rows.shared(), page.limit, append, std::move(body)};
  }
  return last.body;
}

}  // namespace

Page Page::from(QueryString& query) {
  Page page;
  page.limit = query.integer("limit", 1, 1000).value_or(page.limit);
  page.after = query.integer("after", 0, INT64_MAX).value_or(page.after);
  return page;
}

Response page_response(std::string_view path, const Page& page, const Rows& rows,
                       std::string_view filters,
                       void (*append)(JsonWriter&, const Rows&, std::size_t)) {
  const std::size_t count = std::min(rows.size(), static_cast<std::size_t>(page.limit));
  Response response = json_response(200, render_once(rows, page, count, append));
  if (rows.size() > count) {
    std::string link = "<" + std::string(path) + "?limit=" + std::to_string(page.limit) + "&after=";
    link += rows.text(count - 1, 0);
    if (!filters.empty()) link.append("&").append(filters);
    response.set("Link", link + ">; rel=\"next\"");
  }
  return response;
}

}  // namespace cleave
