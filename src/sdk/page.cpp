#include <algorithm>

#include "cleave/routes.hpp"

namespace cleave {

Page Page::from(QueryString& query) {
  Page page;
  page.limit = query.integer("limit", 1, 1000).value_or(page.limit);
  page.after = query.integer("after", 0, INT64_MAX).value_or(page.after);
  return page;
}

Response page_response(std::string_view path, const Page& page, const Rows& rows,
                       std::string_view filters,
                       const std::function<void(JsonWriter&, const Rows&, std::size_t)>& append) {
  const std::size_t count = std::min(rows.size(), static_cast<std::size_t>(page.limit));
  std::string body;
  body.reserve(160 * count + 2);
  JsonWriter json(body);
  json.begin_array();
  for (std::size_t row = 0; row < count; ++row) append(json, rows, row);
  json.end_array();
  Response response = json_response(200, std::move(body));
  if (rows.size() > count) {
    std::string link = "<" + std::string(path) + "?limit=" + std::to_string(page.limit) + "&after=";
    link += rows.text(count - 1, 0);
    if (!filters.empty()) link.append("&").append(filters);
    response.set("Link", link + ">; rel=\"next\"");
  }
  return response;
}

}  // namespace cleave
