#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/html/text.hpp"

namespace analysis::html {

struct Heading {
  std::string_view name;
  bool number = false;
  bool wide = false;  ///< a text that should not become a tower of words
};

/// A table of a page, which may be pushed sideways where it is too wide. Thread: a value.
class Table {
 public:
  Table(std::string_view kind, std::string_view caption, std::span<const Heading> headings)
      : kind_{kind}, caption_{caption}, headings_{headings.begin(), headings.end()} {}

  /// @param cells  HTML; the first one says what the row is of
  void add(const std::vector<std::string>& cells) {
    std::string row;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const auto& heading = headings_.at(i);
      const std::string kind = heading.number ? "class=\"n\"" : heading.wide ? "class=\"w\"" : "";
      row += i == 0 ? element("th", "scope=\"row\"", cells[i]) : element("td", kind, cells[i]);
    }
    rows_ += element("tr", "", row) + "\n";
  }
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  [[nodiscard]] std::string html() const {
    std::string head;
    for (const auto& heading : headings_)
      head += element("th", heading.number ? "scope=\"col\" class=\"n\"" : "scope=\"col\"", heading.name);
    return element("div", "class=\"scroll\"",
                   element("table", "class=\"" + kind_ + "\"",
                           element("caption", "", caption_) + element("thead", "", element("tr", "", head)) +
                               element("tbody", "", rows_))) +
           "\n";
  }

 private:
  std::string kind_, caption_, rows_;
  std::vector<Heading> headings_;
};

}  // namespace analysis::html
