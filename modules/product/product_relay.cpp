#include "product_relay.hpp"

#include <string>

namespace product {

bool ProductRelay::run() const {
  for (;;) {
    const cleave::Rows rows = store_.untold(kMost);
    std::string ids;
    std::size_t row = 0;
    while (row < rows.size() && cache_.tell(rows, row)) {
      ids += row == 0 ? "{" : ",";
      ids += rows.text(row++, ProductStore::kOutboxId);
    }
    if (row > 0) store_.told(ids + "}");
    if (row < rows.size()) return false;
    if (row < kMost) return true;
  }
}

}  // namespace product
