// Copyright (c) localdev.recovery contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Sphinx finds a heading only by its exact words in their order, and a page only by all words of the query. People type
// some everyday words, or paste an error with names of their own. This adds the headings that have most of the words.
(() => {
  if (typeof Search === "undefined") return;

  // Above every page that merely has the words, and below a heading that Sphinx itself finds by all of its words.
  const ALL_WORDS = 30;
  const SOME_WORDS = 20;

  const splitWords = (text) =>
    text
      .toLowerCase()
      .split(/[^\p{L}\p{N}]+/u)
      .filter((word) => word.length > 1 && !stopwords.has(word));

  const scoreTitle = (wanted, title) => {
    const words = splitWords(title);
    const found = wanted.filter((word) => words.some((other) => other.startsWith(word)));
    const share = found.length / wanted.length;
    if (share === 1) return ALL_WORDS + (10 * found.length) / words.length;
    return found.length > 1 && share >= 0.5 ? SOME_WORDS * share : 0;
  };

  const performSearch = Search._performSearch;
  Search._performSearch = (query, ...rest) => {
    const { alltitles, titles, docnames, filenames } = Search._index;
    const wanted = [...new Set(splitWords(query))];
    const headings = [];
    for (const [title, places] of Object.entries(wanted.length ? alltitles : {})) {
      const score = scoreTitle(wanted, title);
      for (const [file, id] of score ? places : []) {
        const name = titles[file] === title ? title : `${titles[file]} > ${title}`;
        const anchor = id === null ? "" : `#${id}`;
        headings.push([docnames[file], name, anchor, null, score, filenames[file], SearchResultKind.title]);
      }
    }
    // Results are sorted by score, the best one last. A heading that Sphinx has found too is shown once.
    const address = (result) => result[0] + result[2];
    const added = new Set(headings.map(address));
    const others = performSearch(query, ...rest).filter((result) => !added.has(address(result)));
    return [...others, ...headings].sort((one, other) => one[4] - other[4]);
  };
})();
