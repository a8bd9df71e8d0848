#include "mth5-summary/pages.hpp"

#include <fstream>
#include <system_error>

#include "analysis/formats/day_pages.hpp"
#include "mth5-summary/report_file.hpp"
#include "mth5/error.hpp"
#include "mth5/time.hpp"

namespace summary {

namespace fs = std::filesystem;

void write_day_pages(const fs::path& directory, const std::vector<analysis::Page>& pages, const std::vector<fs::path>& inputs) {
  for (const auto& page : pages) ReportFile{directory / page.file, inputs}.write(page.html);
  const ReportFile index{directory / "index.html", inputs};
  std::vector<analysis::DayPage> days;
  std::error_code error;
  for (fs::directory_iterator entry{directory, error}, end; !error && entry != end; entry.increment(error)) {
    const auto name = entry->path().stem().string();
    constexpr std::string_view kDate = "2026-05-01";
    if (entry->path().extension() != ".html" || name.size() != kDate.size() || !mth5::parse_time(name)) continue;
    std::error_code unknown;
    if (!entry->is_regular_file(unknown)) continue;  // a FIFO would hold us up
    std::string head(analysis::kHead, '\0');
    std::ifstream in{entry->path(), std::ios::binary};
    in.read(head.data(), static_cast<std::streamsize>(head.size()));
    head.resize(static_cast<std::size_t>(in.gcount()));
    if (auto day = analysis::day_page(name, head)) days.push_back(std::move(*day));
  }
  if (error) throw mth5::FileError{directory.string() + ": " + error.message()};
  index.write(analysis::to_index(std::move(days)));
}

}  // namespace summary
