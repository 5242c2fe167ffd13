-- What a person does in Neovim with the language server, in a file that is open in the first buffer. Ends with one line of JSON.
-- RINGSIDE_NODE and RINGSIDE_SERVER say what to start.
local patience = 20000
local said = {}

local client = vim.lsp.start_client({
  name = "ringside",
  cmd = { vim.env.RINGSIDE_NODE, vim.env.RINGSIDE_SERVER, "--stdio" },
  root_dir = vim.fn.getcwd(),
})
vim.api.nvim_create_autocmd({ "BufRead", "BufNewFile" }, {
  pattern = { "*.asm", "*.nasm", "*.inc" },
  callback = function(file) vim.lsp.buf_attach_client(file.buf, client) end,
})
vim.lsp.buf_attach_client(0, client)

local function codes()
  local found = {}
  for _, one in ipairs(vim.diagnostic.get(0)) do
    table.insert(found, string.format("%d %s", one.lnum + 1, one.code or one.user_data.lsp.code))
  end
  table.sort(found)
  return found
end

local function line(number)
  return vim.api.nvim_buf_get_lines(0, number - 1, number, false)[1]
end

local function ask(method, params)
  local answers = vim.lsp.buf_request_sync(0, method, params, patience)
  return answers[client].result
end

vim.wait(patience, function() return #vim.diagnostic.get(0) > 0 end)
said.diagnostics = codes()
said.href = vim.diagnostic.get(0)[1].user_data.lsp.codeDescription.href

-- On SGDT.
vim.api.nvim_win_set_cursor(0, { 3, 9 })
said.hover = ask("textDocument/hover", vim.lsp.util.make_position_params()).contents.value

-- Behind “cpu” in an empty line at the end.
vim.api.nvim_buf_set_lines(0, -1, -1, false, { "        cpu" })
vim.api.nvim_win_set_cursor(0, { vim.api.nvim_buf_line_count(0), 11 })
local completion = ask("textDocument/completion", vim.lsp.util.make_position_params())
said.completion = {}
for _, item in ipairs(completion.items or completion) do
  if vim.startswith(item.label, "cpu") then table.insert(said.completion, item.label) end
end
vim.api.nvim_buf_set_lines(0, -2, -1, false, {})

-- On the label in “call print”: its new name is in both places, and the include file has it, too.
vim.api.nvim_win_set_cursor(0, { 4, 14 })
vim.lsp.buf.rename("show")
vim.wait(patience, function() return line(4):find("show") ~= nil end)
said.renamed = { line(4), vim.fn.getbufline(vim.fn.bufnr("library.inc"), 1)[1] }

-- A file that a tool writes is looked at again when something is saved.
vim.fn.writefile({ "size equ 5" }, "more.inc")
vim.api.nvim_buf_set_lines(0, 2, 3, false, { '        %include "more.inc"', "        mov eax, size" })
vim.wait(patience, function() return #vim.diagnostic.get(0) == 0 end)
said.included = codes()
vim.fn.writefile({ "sizes equ 5" }, "more.inc")
vim.cmd("silent write")
vim.wait(patience, function() return #vim.diagnostic.get(0) > 0 end)
said.written = codes()
vim.api.nvim_buf_set_lines(0, 2, 4, false, { "        sgdt [500h]" })

-- Typing takes a problem away.
vim.wait(patience, function() return codes()[1] == "3 sensitive-unprivileged" end)
vim.api.nvim_buf_set_lines(0, 2, 3, false, { "        nop" })
vim.wait(patience, function() return #vim.diagnostic.get(0) == 0 end)
said.after = codes()

vim.api.nvim_win_set_cursor(0, { 4, 14 })
vim.lsp.buf.definition()
vim.wait(patience, function() return vim.fn.expand("%:t") == "library.inc" end)
said.definition = { vim.fn.expand("%:t"), vim.api.nvim_win_get_cursor(0)[1] }

io.stdout:write("\n" .. vim.fn.json_encode(said) .. "\n")
vim.cmd("qa!")
