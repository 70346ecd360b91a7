module github.com/vedette/vedette/ui

go 1.26.0

require github.com/stretchr/testify v1.12.1
